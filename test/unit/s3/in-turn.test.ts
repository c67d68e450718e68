import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { inTurn } from '../../../src/api/common/in-turn.ts'
import { openResponses } from '../../../src/api/common/open-responses.ts'

/** Requests of one connection that are begun when the test says so, and end when it says so. */
function connection() {
  const served: number[] = []
  // Never connected, which a reset reports.
  const socket = new Socket().on('error', () => {})
  const responses: ServerResponse[] = []
  const take = inTurn(async (_, response) => void served.push(responses.indexOf(response)), openResponses())
  const arrive = (): void => {
    const incoming = Object.assign(new IncomingMessage(socket), { httpVersionMajor: 1, httpVersionMinor: 1 })
    const response = new ServerResponse(incoming)
    responses.push(response)
    take(incoming, response)
  }
  const answer = (index: number): void => void responses[index]?.emit('close')
  return { served, socket, responses, arrive, answer }
}

describe('requests of one connection', () => {
  it('are served one after the other', () => {
    const { served, arrive, answer } = connection()
    for (let count = 0; count < 3; count++) arrive()
    expect(served).toEqual([0])
    answer(0)
    expect(served).toEqual([0, 1])
    answer(1)
    expect(served).toEqual([0, 1, 2])
  })

  it('are at most 16 in waiting: the connection of one more ends, and none of them is served', () => {
    const { served, socket, arrive, answer } = connection()
    for (let count = 0; count < 16; count++) arrive()
    expect(socket.destroyed).toBe(false)
    arrive()
    expect(socket.destroyed).toBe(true)
    answer(0)
    arrive()
    for (let index = 1; index < 16; index++) answer(index)
    expect(served).toEqual([0])
  })

  it('that follow an answer that closes are not served, whether they came before it or after', () => {
    const { served, responses, arrive, answer } = connection()
    for (let count = 0; count < 3; count++) arrive()
    const [, second] = responses
    if (second) second.shouldKeepAlive = false
    answer(0)
    answer(1)
    arrive()
    expect(served).toEqual([0, 1])
  })
})
