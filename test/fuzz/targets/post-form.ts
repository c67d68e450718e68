import assert from 'node:assert/strict'
import { readPostForm } from '../../../src/api/s3/post-form.ts'
import { headOf, requestFrom } from '../http-head.ts'
import { type FuzzTarget, refusals } from '../target.ts'

const part = (name: string, value: string, more = '') =>
  `--frontier\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`
const file = part('file', 'the file', '; filename="a.txt"\r\nContent-Type: text/plain')

async function* inPieces(body: Buffer): AsyncGenerator<Buffer> {
  const step = Math.max(1, Math.ceil(body.length / 7))
  for (let at = 0; at < body.length; at += step) yield body.subarray(at, at + step)
}

/** The first line is the content type. */
export const postFormTarget: FuzzTarget = {
  name: 'post-form',
  seeds: [
    `${part('key', 'a')}${file}--frontier--\r\n`,
    `${part('key', 'a')}${part('x-amz-meta-a', '\u00e9')}${part('file', 'typed')}--frontier--\r\n`,
    `${part('key', 'a', '; filename="x"')}${file}${part('later', 'b')}--frontier--\r\n`,
  ].map((body) => Buffer.from(`multipart/form-data; boundary=frontier\n${body}`)),
  words: [
    ...[
      '--frontier',
      '--frontier--',
      '\r\n\r\n',
      'Content-Disposition: form-data; name=',
      'filename=',
      "filename*=UTF-8''%ff",
    ],
    ...[
      'Content-Type: multipart/mixed; boundary=x',
      'Content-Transfer-Encoding: base64',
      'charset=utf-16',
      'boundary="',
      'name="file"',
    ],
  ],
  mayThrow: refusals(),
  run: async (input) => {
    const newline = input.indexOf('\n')
    const type = input.subarray(0, Math.max(0, newline)).toString('latin1')
    const body = input.subarray(newline + 1)
    const request = requestFrom(headOf('POST', '/bucket', { host: 'a', 'content-type': type }))
    const form = await readPostForm(request, inPieces(body))
    let lengthBytes = 0
    for await (const chunk of form.file.stream) lengthBytes += chunk.length
    assert.ok(lengthBytes <= body.length)
    for (const name of form.fields.keys()) assert.equal(name, name.toLowerCase())
  },
}
