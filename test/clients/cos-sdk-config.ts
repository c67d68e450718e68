import { same } from './check.ts'
import type { Client, Step, Target } from './client.ts'
import { installNpm, npmVersion, requireFrom } from './install.ts'

interface Configuration {
  readonly name?: string
  readonly bytes_used?: number
  readonly firewall?: { readonly allowed_ip?: readonly string[] }
  readonly activity_tracking?: { readonly read_data_events?: boolean }
}
interface Reply {
  readonly status: number
  readonly data: Configuration
  readonly headers: Readonly<Record<string, string>>
}
type Call = (parameters: object) => Promise<Reply>
interface ResourceConfiguration {
  readonly getBucketConfig: Call
  readonly updateBucketConfig: Call
}

const PACKAGES = 'npm-cos-sdk-config'
const PACKAGE = 'ibm-cos-sdk-config'

/** Firewall and activity tracking of a bucket. */
export const cosSdkConfig: Client = {
  name: PACKAGE,
  install: () => installNpm(PACKAGES, [`${PACKAGE}@1.2.0`]),
  version: () => npmVersion(PACKAGES, PACKAGE),
  connect: async (target) => ({ steps: stepsFor(clientFor(target), await target.customerManagedBucket()) }),
}

function clientFor({ apiKey, controlUrl }: Target): ResourceConfiguration {
  const require = requireFrom(PACKAGES)
  const { ResourceConfigurationV1 }: { ResourceConfigurationV1: new (options: object) => ResourceConfiguration } =
    require(PACKAGE)
  return new ResourceConfigurationV1({
    iam_apikey: apiKey,
    iam_url: `${controlUrl}/identity/token`,
    url: `${controlUrl}/v1`,
  })
}

function stepsFor(client: ResourceConfiguration, bucket: string): readonly Step[] {
  const whole = { bucket, return_response: true }
  const read = () => client.getBucketConfig(whole)
  const update = async (change: object): Promise<void> => {
    const { headers } = await read()
    const { status } = await client.updateBucketConfig({ ...whole, if_match: headers['etag'], ...change })
    same('status', status, 204)
  }
  return [
    { name: 'get', run: async () => same('name', (await read()).data.name, bucket) },
    {
      name: 'activity tracking',
      run: async () => {
        await update({ activity_tracking: { read_data_events: true } })
        same('tracking', (await read()).data.activity_tracking?.read_data_events, true)
        await update({ activity_tracking: { read_data_events: false } })
      },
    },
    {
      name: 'firewall',
      run: async () => {
        await update({ firewall: { allowed_ip: ['192.0.2.0/24'] } })
        same('networks', (await read()).data.firewall?.allowed_ip, ['192.0.2.0/24'])
        await update({ firewall: { allowed_ip: [] } })
        same('networks', (await read()).data.firewall?.allowed_ip, [])
      },
    },
  ]
}
