import { describe, expect, it } from 'vitest'
import { problemOfHint } from './hints.ts'

describe('a command that the console shows', () => {
  it('is one that there is, with the options and arguments that it takes', async () => {
    const good = [
      'coffer key disable keys/finance-root --dry-run',
      'coffer bucket policy get invoices',
      "coffer audit --limit 100 --did 'kms.*,s3.GetObject'",
      'coffer config explain',
      'aws s3 presign s3://invoices/a.pdf --expires-in 900',
      String.raw`coffer object stat invoices/'it'\''s a $HOME; rm *'`,
    ]
    expect(await Promise.all(good.map(problemOfHint))).toEqual(good.map(() => undefined))
    const bad = [
      'coffer key disabel keys/finance-root',
      'coffer key disable keys/finance-root --dryrun',
      'coffer key disable',
      'coffer bucket show one two',
      'coffer config exploin',
      'aws s3api put-bucket-magic --bucket invoices',
      'aws s3 rm s3://invoices/a --force',
      'coffer object stat invoices/a b',
      'coffer object stat invoices/<key>',
      'rm -rf /',
    ]
    expect((await Promise.all(bad.map(problemOfHint))).filter((problem) => problem === undefined)).toEqual([])
  })
})
