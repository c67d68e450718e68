import type { Failure } from './failure.ts'

type Help = Pick<Failure, 'fixes' | 'notes'>

const RIGHT: Help = {
  fixes: ['coffer policy attach USER ROLE'],
  notes: ['An administrator of the account runs that; coffer policy simulate USER ACTION RESOURCE tells what lacks.'],
}
const LATER: Help = { fixes: ['coffer status'], notes: ['The same command may do later.'] }
const PAIR: Help = {
  fixes: ['export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…', 'coffer login URL'],
  notes: [
    'Keys are case-sensitive. Lost? Somebody who manages users makes another: coffer user key create USER --hmac.',
  ],
}
const SESSION: Help = {
  fixes: ['unset AWS_SESSION_TOKEN'],
  notes: ['Temporary credentials end. Ask for new ones where these came from, or use an access key of your own.'],
}

/** What mends a refusal whose code says it all; what a command knows better it says itself. */
const HELP: Readonly<Record<string, Help>> = {
  AccessDenied: RIGHT,
  HTTP403: RIGHT,
  NotPermitted: RIGHT,
  forbidden: RIGHT,
  insufficent_permissions: RIGHT,
  FORBIDDEN: RIGHT,
  InvalidAccessKeyId: PAIR,
  SignatureDoesNotMatch: PAIR,
  ExpiredToken: SESSION,
  InvalidToken: SESSION,
  BXNIM0415E: {
    fixes: ['export IBMCLOUD_API_KEY=…', 'coffer login URL'],
    notes: ['Somebody who manages users makes another: coffer user key create USER.'],
  },
  RequestTimeTooSkewed: {
    fixes: ['timedatectl set-ntp true'],
    notes: ['The clocks of this machine and of the server are apart; a signature holds for 15 minutes.'],
  },
  BucketMoving: {
    fixes: ['coffer jobs pause BUCKET', 'coffer bucket encrypt BUCKET --key KEY-BEFORE'],
    notes: ['What is under the new key already would stay there, the rest under the old one.'],
  },
  NoSuchBucket: { fixes: ['coffer bucket ls'] },
  BucketAlreadyExists: { fixes: ['coffer bucket ls'] },
  BucketAlreadyOwnedByYou: { fixes: ['coffer bucket ls'] },
  NoSuchKey: { fixes: ['coffer object ls BUCKET/PREFIX'] },
  NoSuchVersion: { fixes: ['coffer object versions BUCKET/KEY'] },
  ServiceUnavailable: LATER,
  SlowDown: LATER,
  InternalError: {
    fixes: ['coffer status', 'coffer verify BUCKET'],
    notes: ['The log of the server says more, under the request id. An object that is damaged ends so, too.'],
  },
}

export const fixesOf = (code: string | undefined, status?: number): Help =>
  HELP[code ?? ''] ?? (status === 403 ? RIGHT : {})
