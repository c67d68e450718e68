const allow = (Action: string | readonly string[]) => ({ Effect: 'Allow', Action, Resource: '*' })

const STATEMENTS: Readonly<Record<string, object>> = {
  AdministratorAccess: allow('*'),
  AmazonS3FullAccess: allow('s3:*'),
  AmazonS3ReadOnlyAccess: allow(['s3:Get*', 's3:List*', 's3:Describe*']),
  IAMFullAccess: allow('iam:*'),
  IAMReadOnlyAccess: allow(['iam:Get*', 'iam:List*']),
}

/** With the ids that they have at AWS. */
export const MANAGED_POLICIES: Readonly<Record<string, string>> = {
  AdministratorAccess: 'ANPAIWMBCKSKIEE64ZLYK',
  AmazonS3FullAccess: 'ANPAIFIR6V6BVTRAHWINE',
  AmazonS3ReadOnlyAccess: 'ANPAIZTJ4DXE7G6AGAE6M',
  IAMFullAccess: 'ANPAI7XKCFMBPM3QQRRVQ',
  IAMReadOnlyAccess: 'ANPAJKSO7NDY4T57MWDSQ',
}

/** The day on which AWS made them. */
export const MANAGED_SINCE = Date.UTC(2015, 1, 6)

const PREFIX = 'arn:aws:iam::aws:policy/'

export const managedPolicyName = (arn: string): string => arn.slice(arn.lastIndexOf('/') + 1)

/** Begins and ends with `/`. */
export const managedPolicyPath = (arn: string): string => arn.slice(arn.indexOf('/'), arn.lastIndexOf('/') + 1)

export const managedPolicyArn = (name: string): string => `${PREFIX}${name}`

/** The document of a policy that AWS has for everybody. Undefined: there is none of this ARN here. */
export function managedPolicy(arn: string): string | undefined {
  const name = arn.startsWith(PREFIX) ? arn.slice(PREFIX.length) : ''
  if (!Object.hasOwn(STATEMENTS, name)) return undefined
  return JSON.stringify({ Version: '2012-10-17', Statement: [STATEMENTS[name]] })
}
