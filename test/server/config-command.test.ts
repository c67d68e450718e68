import { describe, expect, it } from 'vitest'
import { ownCommand } from '../support/own-command.ts'

describe('coffer config explain', () => {
  it.each(['s3.listen', 's3-listen', '--s3-listen', 'COFFER_S3_LISTEN'])('knows a setting as %s', async (asked) => {
    const { status, out } = await ownCommand(['config', 'explain', asked])
    expect([status, out.split('\n', 1)[0]]).toEqual([0, 's3.listen: address of the S3 listener'])
  })

  it.each([
    ['s3.listn', 'Did you mean s3.listen?'],
    ['COFFER_S3_LISTN', 'Did you mean COFFER_S3_LISTEN?'],
    ['s3-port', 'Did you mean s3-listen?'],
    ['TLS_CERT_FILE', 'Did you mean COFFER_TLS_CERTIFICATE_FILE?'],
    ['nothing-like-any-of-them', 'coffer config show lists them all.'],
  ])('says what was probably meant by %s', async (asked, hint) => {
    expect(await ownCommand(['config', 'explain', asked])).toMatchObject({
      status: 4,
      err: `✕ ${asked} is not a setting. ${hint}  [NoSuchSetting]\n`,
    })
  })
})
