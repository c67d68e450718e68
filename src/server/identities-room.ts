import { readFile } from 'node:fs/promises'
import { applyBootstrap } from '../iam/bootstrap.ts'
import { parseBootstrap } from '../iam/bootstrap-schema.ts'
import { type Iam, openIam } from '../iam/iam.ts'
import { ownEvent } from './audit-events.ts'
import { isShared, readBootstrap } from './bootstrap-file.ts'
import { issuerDocuments } from './issuer-documents.ts'
import type { RoomOptions } from './room.ts'

const SIGNING_KEYS_EVERY_MS = 600_000

/** Who there is and who may do what: both halves have identities of their own. */
export async function openIdentities(room: RoomOptions): Promise<Iam> {
  const { config, log, clock, foundation, audit } = room
  const { instanceKey, openStore } = foundation
  const { store } = await openStore('iam')
  const caFile = config['iam.oidc-ca-file']
  const bootstrapFile = config['bootstrap-file']
  const bootstrap = bootstrapFile === undefined ? undefined : await readBootstrap(bootstrapFile)
  const iam = await openIam({
    store,
    secretKey: instanceKey.derive('iam'),
    tokenKey: instanceKey.derive('token'),
    clock,
    issuer: config['iam.issuer'],
    operatorAccountId: config['iam.operator-account'] ?? firstAccountOf(bootstrap),
    audit: audit.iam,
    oidc: {
      httpIssuers: new Set(config['iam.oidc-http-issuers']),
      fetchDocument: issuerDocuments({
        ca: caFile === undefined ? undefined : await readFile(caFile, 'utf8'),
        networks: config['iam.oidc-networks'],
        namedIssuers: config['iam.oidc-http-issuers'],
      }),
    },
    onDamage: ({ space, id, cause: err }) =>
      log.error(
        { err, space, id },
        'a stored identity, right or credential is damaged: it is refused until it is restored',
      ),
    settings: {
      tokenLifeMs: config['iam.token-life-ms'],
      refreshTokenLifeMs: config['iam.refresh-token-life-ms'],
      signingKey: { maxAgeMs: config['iam.signing-key-max-age-ms'], leadMs: config['iam.signing-key-lead-ms'] },
    },
  })
  await maintainSigningKeys(room, iam)
  if (bootstrapFile === undefined) return iam
  audit.iam.ready()
  await applyBootstrap(iam, bootstrap, (err) =>
    log.error({ err }, 'a part of the bootstrap file was not applied: what is stored of it is damaged'),
  )
  audit.iam.record(ownEvent('iam.bootstrap.apply', bootstrapFile))
  await audit.iam.settled()
  if (await isShared(bootstrapFile)) {
    log.warn(`the bootstrap file ${bootstrapFile} holds secrets and may be read by others: chmod 600 ${bootstrapFile}`)
  }
  return iam
}

/** Whoever writes the file names his own account first. */
const firstAccountOf = (bootstrap: unknown): string | undefined =>
  bootstrap === undefined ? undefined : parseBootstrap(bootstrap).accounts[0]?.id

async function maintainSigningKeys({ log, scope }: RoomOptions, { signingKeys }: Iam): Promise<void> {
  await signingKeys.maintain()
  const failed = (err: unknown): void => log.error({ err }, 'the keys that sign tokens were not maintained')
  const timer = setInterval(() => void signingKeys.maintain().catch(failed), SIGNING_KEYS_EVERY_MS)
  timer.unref()
  scope.defer(() => clearInterval(timer))
}
