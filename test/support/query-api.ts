import { Sha256 } from '@aws-crypto/sha256-js'
import { HttpRequest } from '@smithy/protocol-http'
import { SignatureV4 } from '@smithy/signature-v4'
import { mainAccount } from './bootstrap.ts'

export interface QueryCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

export interface QueryReply {
  readonly status: number
  /** `200`, or the status and the code of the error. */
  readonly outcome: string
  readonly body: string
  /** Text of the first element of this name; '' when there is none. */
  readonly text: (element: string) => string
  readonly texts: (element: string) => readonly string[]
}

/** AWS's query APIs as the SDKs of AWS call them: the hash of the body is in the signature and in no header. */
export const queryApi =
  (
    url: string,
    service: 'iam' | 'sts',
    credentials: QueryCredentials = mainAccount.user,
    region = 'us-east-1',
    /** Not signed. */
    more: Readonly<Record<string, string>> = {},
  ) =>
  async (Action: string, params: Readonly<Record<string, string>> = {}): Promise<QueryReply> => {
    const Version = service === 'iam' ? '2010-05-08' : '2011-06-15'
    const body = new URLSearchParams({ Action, Version, ...params }).toString()
    const { hostname, port, host } = new URL(url)
    const signer = new SignatureV4({
      ...{ credentials, service, region, applyChecksum: false },
      sha256: Sha256,
    })
    const { headers } = await signer.sign(
      new HttpRequest({
        ...{ method: 'POST', protocol: 'http:', hostname, port: Number(port), path: '/', body },
        headers: { host, 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
      }),
    )
    const reply = await fetch(url, { method: 'POST', headers: { ...headers, ...more }, body })
    const text = await reply.text()
    const texts = (element: string) =>
      [...text.matchAll(new RegExp(`<${element}>([^<]*)</${element}>`, 'g'))].map((m) => m[1] ?? '')
    const first = (element: string) => texts(element)[0] ?? ''
    return {
      status: reply.status,
      outcome: reply.status === 200 ? '200' : `${reply.status} ${first('Code')}`,
      ...{ body: text, text: first, texts },
    }
  }
