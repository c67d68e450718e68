import { expect, it } from 'vitest'
import { fixesOf } from '../../src/cli/fixes.ts'

it.each(['AccessDenied', 'NotPermitted', 'insufficent_permissions'])(
  '%s is mended by what gives the right, not by what looks for it',
  (code) => {
    expect(fixesOf(code)).toMatchObject({
      ...{ fixes: ['coffer policy attach USER ROLE'], notes: [expect.stringContaining('coffer policy simulate USER')] },
    })
  },
)
