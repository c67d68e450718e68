const allow = (Action: string | readonly string[]) => ({ Effect: 'Allow', Action, Resource: '*' })

const STATEMENTS: Readonly<Record<string, object>> = {
  AdministratorAccess: allow('*'),
  AmazonS3FullAccess: allow('s3:*'),
  AmazonS3ReadOnlyAccess: allow(['s3:Get*', 's3:List*', 's3:Describe*']),
  IAMFullAccess: allow('iam:*'),
  IAMReadOnlyAccess: allow(['iam:Get*', 'iam:List*']),
}

const PREFIX = 'arn:aws:iam::aws:policy/'

export const managedPolicyName = (arn: string): string => arn.slice(arn.lastIndexOf('/') + 1)

/** The document of a policy that AWS has for everybody. Undefined: there is none of this ARN here. */
export function managedPolicy(arn: string): string | undefined {
  const name = arn.startsWith(PREFIX) ? arn.slice(PREFIX.length) : ''
  if (!Object.hasOwn(STATEMENTS, name)) return undefined
  return JSON.stringify({ Version: '2012-10-17', Statement: [STATEMENTS[name]] })
}
