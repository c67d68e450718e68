import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { randomId } from '../../base/ids.ts'
import type { S3Request } from './request.ts'

/** What conditions can ask for of a request that nobody has sent. */
export const unsentRequest = (
  more: Partial<Pick<S3Request, 'bucket' | 'key' | 'query' | 'headers'>> = {},
): S3Request => ({
  ...{ id: randomId(), method: '', rawPath: '', rawQuery: '', bucket: undefined, key: undefined },
  ...{ query: new Map(), duplicateQuery: new Set(), headers: new Map(), duplicateHeaders: new Set() },
  ...{ secure: true, incoming: new IncomingMessage(new Socket()) },
  ...more,
})
