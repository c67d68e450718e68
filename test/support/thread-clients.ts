import { once } from 'node:events'
import { Agent } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { S3Client } from '@aws-sdk/client-s3'
import type { TestHouse } from './house.ts'

/** `owner`: of the stores; `follower`: any other. */
export type Thread = 'owner' | 'follower'

/** Clients whose connections all go to a certain thread. */
export type ThreadClients = Readonly<Record<Thread, S3Client>> & Disposable

/** More than it takes: each connection goes to either with the same probability. */
const MAX_ATTEMPTS = 200
const MAX_TURNS = 20

/** Connections to the S3 port, each to a certain thread. */
export interface ThreadConnections extends Disposable {
  readonly open: (wanted: Thread, options?: { readonly allowHalfOpen?: boolean }) => Promise<Socket>
}

export function threadConnections(test: TestHouse): ThreadConnections {
  const { port } = new URL(test.s3Url)
  const owned = new Set<number | undefined>()
  const note = ({ remotePort }: Socket): void => void owned.add(remotePort)
  test.house.store?.s3.on('connection', note)

  const open: ThreadConnections['open'] = async (wanted, options = {}) => {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const socket = connect({ ...options, port: Number(port), host: '127.0.0.1' })
      await once(socket, 'connect')
      const from = socket.localPort
      // This thread is the owner's: it has taken what is its own a turn or two later.
      for (let turn = 0; turn < MAX_TURNS && !owned.has(from); turn++) await new Promise(setImmediate)
      if (owned.delete(from) === (wanted === 'owner')) return socket
      socket.destroy()
    }
    throw new Error('all connections went to one thread')
  }
  return { open, [Symbol.dispose]: () => void test.house.store?.s3.off('connection', note) }
}

export function threadClients(test: TestHouse): ThreadClients {
  const connections = threadConnections(test)
  const agents: Agent[] = []
  const client = (thread: Thread): S3Client => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    agent.createConnection = (_, onConnected) => {
      connections.open(thread).then(
        (socket) => onConnected?.(null, socket),
        (error: Error) => onConnected?.(error, connect(0)),
      )
      return undefined
    }
    agents.push(agent)
    return test.client(undefined, { requestHandler: { httpAgent: agent } })
  }
  return {
    owner: client('owner'),
    follower: client('follower'),
    [Symbol.dispose]: () => {
      connections[Symbol.dispose]()
      for (const agent of agents) agent.destroy()
    },
  }
}
