import { CommandFailure, usage } from '../../failure.ts'
import { presigned } from '../../s3/presign.ts'
import { readObject } from '../../s3/references.ts'
import type { CommandSpec } from '../../spec.ts'
import { readSpan, spanText } from '../../units.ts'

const MOST_MS = 7 * 86_400_000

export const shareObject: CommandSpec = {
  name: 'share',
  summary: 'Makes a link that lets anybody who has it read (or store) one object for a time.',
  about:
    'It can do what the key pair that signs it may do, and ends when that is disabled. It takes an access key; a token does not sign.',
  arguments: [{ name: 'object', help: 'bucket/key', kind: 'object' }],
  options: {
    expires: { value: 'span', help: '15m, 12h, 7d; an hour by default, seven days at most' },
    upload: { help: 'a link to store it rather than to read it' },
    'version-id': { value: 'id', help: 'this version' },
  },
  examples: ['coffer object share invoices/2026/report.pdf --expires 15m'],
  see: ['coffer bucket who-can-read'],
  run: async (call) => {
    const { bucket, key } = readObject(call.argument('object'))
    call.doing(`share ${bucket}/${key}`)
    const span = call.text('expires')
    const lifeMs = span === undefined ? 3_600_000 : readSpan(span)
    if (lifeMs === undefined || lifeMs < 1000 || lifeMs > MOST_MS)
      throw usage('--expires takes a span of up to seven days: 15m, 12h, 7d')
    const server = await call.server()
    const s3 = await server.s3()
    const isUpload = call.flag('upload')
    // A link to nothing helps nobody.
    call.about(bucket)
    if (!isUpload) await s3.headObject({ Bucket: bucket, Key: key })
    if (server.signsByToken()) {
      throw new CommandFailure({
        code: 'NoKeyPair',
        ending: 'refused',
        why: 'links are signed with a key pair, and there is only an API key',
        fixes: ['export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…', 'coffer user key create USER --hmac'],
      })
    }
    const url = await presigned(s3, {
      bucket,
      key,
      versionId: call.text('version-id'),
      isUpload,
      seconds: Math.floor(lifeMs / 1000),
    })
    const expiresAt = new Date(call.out.nowMs + lifeMs).toISOString()
    call.out.answer({ url, expiresAt, method: isUpload ? 'PUT' : 'GET' }, () => url, [url])
    call.out.note(`For ${spanText(lifeMs)}, until ${expiresAt}.`)
    return 'done'
  },
}
