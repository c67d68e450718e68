import { type Api, defineApi } from '../api.ts'
import { jsonOperations, noBody } from '../json-operation.ts'
import { plainProtocol } from '../plain-protocol.ts'
import { type DocumentOptions, openApiDocument } from './document.ts'

/** `GET /openapi/<name>.json`, for anybody: they say what can be asked for, and nothing of this server but its version. */
export function openApiApi(documents: Readonly<Record<string, DocumentOptions>>): Api {
  const define = jsonOperations<undefined>()
  return defineApi(plainProtocol('openapi', ['/openapi']), [
    ...Object.entries(documents).map(([name, options]) => {
      let text: string | undefined
      return define({
        name: `GetOpenApiOf ${name}`,
        method: 'GET',
        path: `/openapi/${name}.json`,
        anonymous: true,
        body: noBody,
        run: async () => {
          text ??= JSON.stringify(openApiDocument(options))
          return { status: 200, headers: { 'Content-Type': 'application/json' }, body: text }
        },
      })
    }),
  ])
}
