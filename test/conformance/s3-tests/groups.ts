/** One test of the suite with its pytest markers. */
export interface SuiteTest {
  /** `…/test_s3.py::test_name[parameters]` */
  readonly id: string
  readonly markers: readonly string[]
}

interface Group {
  readonly name: string
  /** Of this server's scope: its tests are expected to pass, or to fail for a reason that can be named. */
  readonly inScope: boolean
  readonly has: (name: string, markers: ReadonlySet<string>, file: string) => boolean
}

const marked =
  (...wanted: readonly string[]): Group['has'] =>
  (_, markers) =>
    wanted.some((marker) => markers.has(marker))
const named =
  (pattern: RegExp): Group['has'] =>
  (name) =>
    pattern.test(name)
const either =
  (...rules: readonly Group['has'][]): Group['has'] =>
  (...test) =>
    rules.some((rule) => rule(...test))

/** The first group that has a test counts it. */
const GROUPS: readonly Group[] = [
  {
    name: 'IAM, STS, SNS',
    inScope: false,
    has: (_, markers, file) =>
      /test_(iam|sts|sns)\.py$/.test(file) || [...markers].some((one) => one.startsWith('iam_')),
  },
  { name: 'S3 Select', inScope: false, has: (_, __, file) => file.endsWith('test_s3select.py') },
  {
    name: 'Ceph only',
    inScope: false,
    has: either(
      marked('appendobject', 'cloud_transition', 'cloud_restore', 'target_by_bucket'),
      named(/usage|unordered|torrent|tenant/),
    ),
  },
  { name: 'signature version 2', inScope: false, has: either(marked('auth_aws2'), named(/_v2$|_aws2$/)) },
  { name: 'logging', inScope: true, has: marked('bucket_logging') },
  {
    name: 'lifecycle',
    inScope: true,
    has: either(marked('lifecycle', 'lifecycle_expiration', 'lifecycle_transition'), named(/lifecycle/)),
  },
  {
    name: 'encryption headers',
    inScope: true,
    has: either(marked('encryption', 'sse_s3', 'bucket_encryption'), named(/sse_|encryption|encrypted/)),
  },
  {
    name: 'policy and public access',
    inScope: true,
    has: either(marked('bucket_policy'), named(/policy_|_policy|public|access_block|anonymous|anon_/)),
  },
  {
    name: 'ACL and ownership',
    inScope: true,
    has: either(
      marked('object_ownership'),
      named(/acl|grant|ownership|owner_|access_bucket|raw_(get|put).*authenticated_from_bad|acls/),
    ),
  },
  { name: 'tagging', inScope: true, has: either(marked('tagging'), named(/tag/)) },
  { name: 'object lock', inScope: true, has: named(/object_lock|retention|legal_hold/) },
  { name: 'versioning', inScope: true, has: either(marked('versioning', 'delete_marker'), named(/version/)) },
  { name: 'CORS and website', inScope: true, has: either(marked('s3website'), named(/cors|website/)) },
  { name: 'storage classes', inScope: true, has: marked('storage_class') },
  { name: 'checksum', inScope: true, has: either(marked('checksum'), named(/checksum/)) },
  { name: 'POST form', inScope: true, has: named(/^test_post_object/) },
  {
    name: 'conditional',
    inScope: true,
    has: either(marked('conditional_write'), named(/if_?(none_?|non)?match|if_?(un)?modified|ifnonmatch/)),
  },
  { name: 'presigned', inScope: true, has: named(/presigned|x_amz_expires|raw_(get|put|response)/) },
  { name: 'copy', inScope: true, has: either(marked('copy'), named(/copy/)) },
  { name: 'multipart', inScope: true, has: named(/multipart|upload_part/) },
  { name: 'list', inScope: true, has: named(/list/) },
  { name: 'headers', inScope: true, has: (_, __, file) => file.endsWith('test_headers.py') },
  { name: 'bucket', inScope: true, has: named(/bucket/) },
  { name: 'object', inScope: true, has: () => true },
]

export function groupOf({ id, markers }: SuiteTest): { readonly name: string; readonly inScope: boolean } {
  const [file = '', test = ''] = id.split('::')
  const name = test.replace(/\[.*$/, '')
  const group = GROUPS.find(({ has }) => has(name, new Set(markers), file))
  return group ?? { name: 'object', inScope: true }
}

export const GROUP_NAMES = GROUPS.map(({ name }) => name)
