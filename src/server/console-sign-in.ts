import { readFile } from 'node:fs/promises'
import type { SsoOptions } from '../api/console/sso.ts'
import { SSO_CALLBACK_PATH } from '../api/console/sso-api.ts'
import type { Clock } from '../base/clock.ts'
import { hasCode } from '../base/errors.ts'
import type { AwsIamErrorCode } from '../iam/aws/errors.ts'
import { createRelyingParty, type RelyingParty, type RelyingPartyOptions } from '../iam/oidc/relying-party.ts'
import type { Logger } from '../observe/logger.ts'
import { invalidConfig } from './config-error.ts'
import { issuerDocuments, issuerPosts } from './issuer-documents.ts'
import type { Config } from './settings.ts'

/** The identity provider that people sign in with at the console; undefined: none. Throws ConfigInvalid. */
export async function consoleSignIn(config: Config, clock: Clock, log: Logger): Promise<SsoOptions | undefined> {
  const issuer = config['console-oidc.issuer']
  const clientId = config['console-oidc.client-id']
  const publicUrl = config['control.public-url']
  if (issuer === undefined || clientId === undefined || publicUrl === undefined) return undefined
  const caFile = config['iam.oidc-ca-file']
  const asking = {
    ca: caFile === undefined ? undefined : await readFile(caFile, 'utf8'),
    networks: config['iam.oidc-networks'],
    namedIssuers: [issuer],
  }
  return {
    provider: relyingParty({
      settings: {
        ...{ issuer, clientId, clientSecret: config['console-oidc.client-secret'] },
        scopes: [...new Set(['openid', ...config['console-oidc.scopes']])],
        redirectUri: publicUrl + SSO_CALLBACK_PATH,
      },
      rules: { httpIssuers: new Set(config['iam.oidc-http-issuers']) },
      fetchDocument: issuerDocuments(asking),
      post: issuerPosts(asking),
      clock,
    }),
    ...{ name: config['console-oidc.name'], publicUrl, claim: config['console-oidc.claim'] },
    accountId: config['console-oidc.account'],
    onRefused: (err) => log.warn({ err }, 'nobody was let in at the console by the identity provider'),
  }
}

function relyingParty(options: RelyingPartyOptions): RelyingParty {
  try {
    return createRelyingParty(options)
  } catch (error) {
    if (!hasCode<AwsIamErrorCode>(error, 'ValidationError')) throw error
    throw invalidConfig(`COFFER_CONSOLE_OIDC_ISSUER: ${error.message}`, error)
  }
}
