import { ApiError } from './api-error.ts'
import { noteNoAnswer } from './connection.ts'
import { csrf } from './http.ts'
import { readError } from './read-error.ts'

export interface Upload {
  /** `objectPath(…)`, with the query of a part where it is one. */
  readonly url: string
  readonly body: Blob
  readonly headers?: Readonly<Record<string, string>>
  /** Bytes that the browser has handed on so far. */
  readonly onProgress?: (sentBytes: number) => void
  readonly signal?: AbortSignal
}

/** A PUT that tells how far it is, which `fetch` does not. Resolves to its ETag and checksums. Throws ApiError. */
export function upload({ url, body, headers = {}, onProgress, signal }: Upload): Promise<Headers> {
  const { promise, resolve, reject } = Promise.withResolvers<Headers>()
  const request = new XMLHttpRequest()
  request.open('PUT', url)
  for (const [name, value] of Object.entries({ ...headers, ...csrf() })) request.setRequestHeader(name, value)
  request.upload.addEventListener('progress', ({ loaded }) => onProgress?.(loaded))
  request.addEventListener('load', () => {
    if (request.status >= 200 && request.status < 300) return resolve(headersOf(request))
    const { status, responseText } = request
    void readError(new Response(responseText, { status, headers: headersOf(request) })).then(reject)
  })
  request.addEventListener('error', () => {
    noteNoAnswer()
    reject(new ApiError({ code: 'Unreachable', message: 'The connection was lost.', status: 0 }))
  })
  request.addEventListener('abort', () => reject(signal?.reason ?? new DOMException('aborted', 'AbortError')))
  signal?.addEventListener('abort', () => request.abort(), { once: true })
  request.send(body)
  return promise
}

function headersOf(request: XMLHttpRequest): Headers {
  const headers = new Headers()
  for (const line of request.getAllResponseHeaders().trim().split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1).trim())
  }
  return headers
}
