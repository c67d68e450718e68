import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { same } from './check.ts'
import type { Client, Step, Target } from './client.ts'
import { installNpm, npmVersion, requireFrom } from './install.ts'
import { KEY_TYPE, type Key, type KeyProtect, only, refused, statusOf } from './key-protect-client.ts'
import { settingSteps } from './key-protect-settings.ts'

/** A directory of its own: the package can't live beside a current axios. */
const PACKAGES = 'npm-key-protect'
const FAR_TOO_EARLY_MS = 60_000

export const keyProtect: Client = {
  name: '@ibm-cloud/ibm-key-protect',
  install: () => installNpm(PACKAGES, ['@ibm-cloud/ibm-key-protect@0.1.2']),
  version: () => npmVersion(PACKAGES, '@ibm-cloud/ibm-key-protect'),
  connect: async (target) => {
    const client = clientFor(target)
    const steps = [stepsFor, settingSteps].flatMap((of) => of(client, target.keyProtectInstance))
    return { steps }
  },
}

function clientFor(target: Target): KeyProtect {
  const require = requireFrom(PACKAGES)
  const Service: new (options: object) => KeyProtect = require('@ibm-cloud/ibm-key-protect/ibm-key-protect-api/v2')
  const auth: { IamAuthenticator: new (options: object) => object } = require('@ibm-cloud/ibm-key-protect/auth')
  const authenticator = new auth.IamAuthenticator({ apikey: target.apiKey, url: target.controlUrl })
  return new Service({ authenticator, serviceUrl: target.controlUrl })
}

function stepsFor(client: KeyProtect, bluemixInstance: string): readonly Step[] {
  const created = { root: '', standard: '', imported: '' }
  const wrapped = { plaintext: '', ciphertext: '' }
  const create = async (resource: object): Promise<Key> => {
    const { status, result } = await client.createKey({
      bluemixInstance,
      prefer: 'return=representation',
      body: {
        metadata: { collectionType: KEY_TYPE, collectionTotal: 1 },
        resources: [{ type: KEY_TYPE, name: 'key of the clients run', ...resource }],
      },
    })
    same('status', status, 201)
    return only(result)
  }
  const root = (more: object = {}): object => ({ bluemixInstance, id: created.root, ...more })
  const state = async (): Promise<number> => only((await client.getKeyMetadata(root())).result).state
  return [
    {
      name: 'create',
      run: async () => {
        const key = await create({ extractable: false })
        same('root key', [key.state, key.extractable, key.imported], [1, false, false])
        created.root = key.id
        created.standard = (await create({ extractable: true })).id
      },
    },
    {
      name: 'import',
      run: async () => {
        const key = await create({ extractable: false, payload: randomBytes(32).toString('base64') })
        same('imported', key.imported, true)
        created.imported = key.id
      },
    },
    {
      name: 'list',
      run: async () => {
        const { resources = [] } = (await client.getKeys({ bluemixInstance })).result
        for (const id of Object.values(created))
          if (!resources.some((key) => key.id === id)) throw new Error(`${id} is not listed`)
      },
    },
    {
      name: 'get',
      run: async () => {
        same('payload of a root key', only((await client.getKey(root())).result).payload, undefined)
        const standard = only((await client.getKey({ bluemixInstance, id: created.standard })).result)
        same('payload of a standard key', typeof standard.payload, 'string')
      },
    },
    {
      name: 'metadata',
      run: async () => same('id', only((await client.getKeyMetadata(root())).result).id, created.root),
    },
    {
      name: 'HEAD',
      run: async () => {
        const { headers } = await client.getKeyCollectionMetadata({ bluemixInstance })
        if (!(Number(headers['key-total']) >= 3)) throw new Error(`key-total is ${headers['key-total']}`)
      },
    },
    {
      name: 'wrap',
      run: async () => {
        const { result } = await client.wrapKey(root({ keyActionWrapBody: { aad: ['one', 'two'] } }))
        Object.assign(wrapped, result)
        same('bytes of a generated key', Buffer.from(wrapped.plaintext, 'base64').length, 32)
      },
    },
    {
      name: 'unwrap',
      run: async () => {
        const { result } = await client.unwrapKey(
          root({ keyActionUnwrapBody: { ciphertext: wrapped.ciphertext, aad: ['one', 'two'] } }),
        )
        same('plaintext', result.plaintext, wrapped.plaintext)
        await refused(
          () => client.unwrapKey(root({ keyActionUnwrapBody: { ciphertext: wrapped.ciphertext, aad: ['onetwo'] } })),
          422,
        )
      },
    },
    {
      name: 'rotate',
      run: async () => {
        same('status', (await client.rotateKey(root({ keyActionRotateBody: {} }))).status, 204)
        const { result } = await client.unwrapKey(
          root({ keyActionUnwrapBody: { ciphertext: wrapped.ciphertext, aad: ['one', 'two'] } }),
        )
        same('plaintext', result.plaintext, wrapped.plaintext)
        same('a newer ciphertext', typeof result.ciphertext, 'string')
      },
    },
    {
      name: 'rewrap',
      run: async () => {
        const { result } = await client.rewrapKey(
          root({ keyActionRewrapBody: { ciphertext: wrapped.ciphertext, aad: ['one', 'two'] } }),
        )
        const opened = await client.unwrapKey(
          root({ keyActionUnwrapBody: { ciphertext: result.ciphertext, aad: ['one', 'two'] } }),
        )
        same('plaintext', opened.result.plaintext, wrapped.plaintext)
      },
    },
    {
      name: 'versions',
      run: async () => same('versions', (await client.getKeyVersions(root())).result.resources?.length, 2),
    },
    {
      name: 'disable',
      run: async () => {
        same('status', (await client.disableKey(root())).status, 204)
        same('state', await state(), 2)
        await refused(() => client.wrapKey(root({ keyActionWrapBody: {} })), 409)
      },
    },
    {
      name: 'enable',
      run: async () => {
        await untilNotTooEarly(() => client.enableKey(root()))
        same('state', await state(), 1)
      },
    },
    {
      name: 'delete',
      run: async () => {
        for (const id of [created.standard, created.imported]) await client.deleteKey({ bluemixInstance, id })
        await client.deleteKey(root({ force: true }))
        same('state', await state(), 5)
      },
    },
    {
      name: 'restore',
      run: async () => {
        await untilNotTooEarly(() => client.restoreKey(root()))
        const { result } = await client.unwrapKey(
          root({ keyActionUnwrapBody: { ciphertext: wrapped.ciphertext, aad: ['one', 'two'] } }),
        )
        same('plaintext', result.plaintext, wrapped.plaintext)
      },
    },
  ]
}

/** Key Protect refuses to enable or to restore a key within 30 s of its disabling or deletion. */
async function untilNotTooEarly(call: () => Promise<unknown>): Promise<void> {
  for (const deadline = Date.now() + FAR_TOO_EARLY_MS; ; await sleep(2000)) {
    try {
      await call()
      return
    } catch (error) {
      if (statusOf(error) !== 409 || Date.now() > deadline) throw error
    }
  }
}
