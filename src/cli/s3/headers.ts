import type { S3 } from '@aws-sdk/client-s3'
import { member } from '../json.ts'

/** Calls with headers that the client has no member for; they are signed. */
export async function withHeaders<Answer>(
  s3: S3,
  headers: Readonly<Record<string, string>>,
  ask: (client: S3) => Promise<Answer>,
): Promise<Answer> {
  const name = 'cofferHeaders'
  s3.middlewareStack.add(
    (next) => (args) => {
      const into = member(args.request, 'headers')
      if (typeof into === 'object' && into !== null) Object.assign(into, headers)
      return next(args)
    },
    { step: 'build', name },
  )
  try {
    return await ask(s3)
  } finally {
    s3.middlewareStack.remove(name)
  }
}
