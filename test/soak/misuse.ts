import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { mainAccount } from '../support/bootstrap.ts'
import { contentBytes, type Dice } from '../support/content.ts'
import { outcome, type RawS3Request, sendRaw, signRaw, startRaw } from '../support/raw-s3.ts'

export interface Misuse {
  readonly s3Url: string
  readonly controlUrl: string
  readonly bucket: string
  /** Of the caller's own; whatever it holds, it holds afterwards. */
  readonly key: string
  readonly dice: Dice
}

const stranger = {
  ...mainAccount,
  user: { ...mainAccount.user, secretAccessKey: 'no-secret-of-anybody-0123456789abcdefghij' },
}

type Refused = readonly [name: string, request: (of: Misuse) => RawS3Request, answers: readonly string[]]

const get = ({ bucket, key }: Misuse): RawS3Request => ({ method: 'GET', path: `/${bucket}/${key}` })

const REFUSED: readonly Refused[] = [
  ['a wrong secret', (of) => ({ ...get(of), account: stranger }), ['403 SignatureDoesNotMatch']],
  ['a key that is not there', (of) => ({ ...get(of), path: `/${of.bucket}/none` }), ['404 NoSuchKey']],
  ['no such bucket', (of) => ({ ...get(of), path: '/no-bucket-at-all/key' }), ['404 NoSuchBucket']],
  [
    'a range behind the end',
    (of) => ({ ...get(of), headers: { range: 'bytes=999999999-' } }),
    ['416 InvalidRange', '404 NoSuchKey'],
  ],
  [
    'another ETag',
    (of) => ({ ...get(of), headers: { 'if-match': '"0"' } }),
    ['412 PreconditionFailed', '404 NoSuchKey'],
  ],
  [
    'XML that is none',
    ({ bucket }) => ({ method: 'POST', path: `/${bucket}`, query: { delete: '' }, body: '<Delete><Object>' }),
    ['400 MalformedXML', '400 InvalidRequest'],
  ],
  [
    'a body that is not what its MD5 says',
    ({ bucket, key }) => ({
      ...{ method: 'PUT', path: `/${bucket}/${key}`, body: 'changed on the way' },
      headers: { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' },
    }),
    ['400 BadDigest'],
  ],
]

/** What clients do that are wrong, broken or malign. Resolves to what the server should not have done. */
export async function misuse(of: Misuse): Promise<string | undefined> {
  const kind = of.dice.below(REFUSED.length + 5)
  const refused = REFUSED[kind]
  if (refused) {
    const [name, request, answers] = refused
    const got = outcome(await sendRaw(of.s3Url, request(of)))
    return answers.includes(got) ? undefined : `${name} was answered ${got}`
  }
  const others = [noCredentials, noToken, halfAnUpload, halfADownload, noHttp]
  return others[kind - REFUSED.length]?.(of)
}

async function noCredentials({ s3Url, bucket, key }: Misuse): Promise<string | undefined> {
  const reply = await fetch(`${s3Url}/${bucket}/${key}`)
  await reply.arrayBuffer()
  return reply.status === 403 ? undefined : `nobody in particular was answered ${reply.status}`
}

async function noToken({ controlUrl }: Misuse): Promise<string | undefined> {
  const reply = await fetch(`${controlUrl}/api/v2/keys`, { headers: { authorization: 'Bearer of.no.token' } })
  await reply.arrayBuffer()
  return reply.status >= 400 && reply.status < 500 ? undefined : `a token that is none was answered ${reply.status}`
}

async function halfAnUpload({ s3Url, bucket, key, dice }: Misuse): Promise<undefined> {
  const lengthBytes = 100_000 + dice.below(1_000_000)
  const signed = signRaw(s3Url, { method: 'PUT', path: `/${bucket}/${key}`, payload: 'UNSIGNED-PAYLOAD' })
  const upload = startRaw(s3Url, { ...signed, headers: { ...signed.headers, 'content-length': `${lengthBytes}` } })
  upload.write(contentBytes('half', lengthBytes >> 1))
  await sleep(dice.below(100))
  upload.destroy()
}

async function halfADownload(of: Misuse): Promise<undefined> {
  const signed = signRaw(of.s3Url, get(of))
  const download = startRaw(of.s3Url, signed)
  download.end()
  const [answer] = await once(download, 'response')
  await Promise.race([once(answer, 'data'), once(answer, 'end')])
  download.destroy()
}

async function noHttp({ s3Url, dice }: Misuse): Promise<undefined> {
  const { hostname, port } = new URL(s3Url)
  const socket = connect(Number(port), hostname).on('error', () => {})
  await once(socket, 'connect')
  socket.write(contentBytes(`${dice.below(1_000_000)}`, 1 + dice.below(2000)))
  socket.resume()
  await Promise.race([once(socket, 'close').catch(() => {}), sleep(500)])
  socket.destroy()
}
