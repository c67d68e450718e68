import { same } from './check.ts'
import type { Client, Step, Target } from './client.ts'
import { installNpm, npmVersion, requireFrom } from './install.ts'

interface Policy {
  readonly id?: string
  readonly type?: string
}
type Call<Result> = (parameters: object) => Promise<{ readonly status: number; readonly result: Result }>
interface PolicyManagement {
  readonly createPolicy: Call<Policy>
  readonly listPolicies: Call<{ readonly policies?: readonly Policy[] }>
  readonly getPolicy: Call<Policy>
  readonly deletePolicy: Call<unknown>
}

const PACKAGES = 'npm-platform-services'
const PACKAGE = '@ibm-cloud/platform-services'

/** Authorizations between services, as policies of IAM. */
export const platformServices: Client = {
  name: PACKAGE,
  install: () => installNpm(PACKAGES, [`${PACKAGE}@0.83.1`]),
  version: () => npmVersion(PACKAGES, PACKAGE),
  connect: async (target) => ({ steps: stepsFor(clientFor(target), target) }),
}

function clientFor(target: Target): PolicyManagement {
  const require = requireFrom(PACKAGES)
  const module: { default?: unknown } = require(`${PACKAGE}/iam-policy-management/v1`)
  const Service: new (options: object) => PolicyManagement = Object(module.default ?? module)
  const auth: { IamAuthenticator: new (options: object) => object } = require(`${PACKAGE}/auth`)
  const authenticator = new auth.IamAuthenticator({ apikey: target.apiKey, url: target.controlUrl })
  return new Service({ authenticator, serviceUrl: target.controlUrl })
}

function stepsFor(
  client: PolicyManagement,
  { accountId, keyProtectInstance, objectStorageInstance }: Target,
): readonly Step[] {
  let policyId = ''
  const attributes = (values: Record<string, string>): object => ({
    attributes: Object.entries(values).map(([name, value]) => ({ name, value })),
  })
  const listed = async (): Promise<boolean> => {
    const { policies = [] } = (await client.listPolicies({ accountId, type: 'authorization' })).result
    return policies.some(({ id }) => id === policyId)
  }
  return [
    {
      name: 'create',
      run: async () => {
        const { status, result } = await client.createPolicy({
          type: 'authorization',
          // Writer, so that it differs from the authorization that the buckets of this run rely on.
          roles: [{ role_id: 'crn:v1:bluemix:public:iam::::serviceRole:Writer' }],
          subjects: [
            attributes({ serviceName: 'cloud-object-storage', accountId, serviceInstance: objectStorageInstance }),
          ],
          resources: [attributes({ serviceName: 'kms', accountId, serviceInstance: keyProtectInstance })],
        })
        same('status', status, 201)
        policyId = result.id ?? ''
      },
    },
    { name: 'list', run: async () => same('listed', await listed(), true) },
    { name: 'get', run: async () => same('type', (await client.getPolicy({ policyId })).result.type, 'authorization') },
    {
      name: 'delete',
      run: async () => {
        same('status', (await client.deletePolicy({ policyId })).status, 204)
        same('listed', await listed(), false)
      },
    },
  ]
}
