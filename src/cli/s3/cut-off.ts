import type { AnotherStore } from '../another-store.ts'
import { CommandFailure } from '../failure.ts'
import { member } from '../json.ts'

const CLOSED = ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'HPE_INVALID_EOF_STATE']

export const isClosed = (error: unknown): boolean => CLOSED.includes(String(member(error, 'code')))

/** A server that finds damage in what it sends has nothing but the connection left to say so with. */
export const cutOff = (bucket: string, cause?: unknown, another?: AnotherStore): CommandFailure =>
  new CommandFailure(
    {
      code: 'ContentCutOff',
      ending: 'damage',
      why: `${another === undefined ? 'the server' : `the ${another.side}, ${another.url},`} closed the connection before the end of the content: what is stored is damaged, or the network was interrupted`,
      fixes: another === undefined ? [`coffer verify ${bucket}`] : [],
      notes: ['If nothing is damaged there, the same command does it again.'],
    },
    cause,
  )
