import type { IamAudit } from '../../iam/audit.ts'
import type { UserPrincipal } from '../../iam/principal.ts'
import { callFacts, failureFacts } from '../common/call-facts.ts'
import type { ClientAddress } from '../common/client-address.ts'
import type { Reply } from '../common/reply.ts'
import type { ApiRequest } from '../common/request.ts'
import type { HeldCredentials } from './credentials.ts'

/** Who signed in and out, and who was refused, for the audit log. */
export interface SignInAudit {
  readonly log: Pick<IamAudit, 'ready' | 'record'>
  readonly clientAddress: ClientAddress
}

export interface SignedIn {
  readonly credentials: HeldCredentials
  readonly reply: Reply
}

/** Nobody is let in unless it can be recorded: throws AuditUnavailable. */
export async function signInRecorded(
  request: ApiRequest,
  audit: SignInAudit,
  signIn: () => Promise<SignedIn>,
): Promise<Reply> {
  audit.log.ready()
  try {
    const { credentials, reply } = await signIn()
    await record('iam.SignIn', request, audit, credentials)
    return reply
  } catch (error) {
    audit.log.record({ ...eventOf('iam.SignIn', request, audit), outcome: 'failure', ...failureFacts(error) })
    throw error
  }
}

/** Whether it can be recorded or not: a session that somebody ends is over. */
export const recordSignOut = (request: ApiRequest, audit: SignInAudit, credentials: HeldCredentials): Promise<void> =>
  record('iam.SignOut', request, audit, credentials).catch(() => undefined)

async function record(
  action: string,
  request: ApiRequest,
  audit: SignInAudit,
  { principal, kind }: HeldCredentials,
): Promise<void> {
  const event = eventOf(action, request, audit, await principal())
  audit.log.record({ ...event, outcome: 'success', reason: `by ${kind}` })
}

const eventOf = (action: string, request: ApiRequest, { clientAddress }: SignInAudit, principal?: UserPrincipal) => ({
  ...{ action, target: request.rawPath },
  ...callFacts({ request, context: { principal } }, clientAddress),
})
