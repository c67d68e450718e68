import {
  CreateRoleCommand,
  CreateUserCommand,
  DeleteLoginProfileCommand,
  GetLoginProfileCommand,
  IAMClient,
  ListInstanceProfilesForRoleCommand,
  ListMFADevicesCommand,
  ListRoleTagsCommand,
  ListSigningCertificatesCommand,
  ListSSHPublicKeysCommand,
  ListUserTagsCommand,
} from '@aws-sdk/client-iam'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { mainAccount } from '../support/bootstrap.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { outcome } from '../support/outcome.ts'

let house: TestHouse
let iam: IAMClient
beforeAll(async () => {
  house = await startHouse()
  const { accessKeyId, secretAccessKey } = mainAccount.user
  const credentials = { accessKeyId, secretAccessKey }
  iam = new IAMClient({ endpoint: house.s3Url, region: 'us-east-1', maxAttempts: 1, credentials })
})
afterAll(() => house[Symbol.asyncDispose]())

it('tells clients that users and roles have nothing of what there is not', async () => {
  const [UserName, RoleName] = ['ann', 'night']
  await iam.send(new CreateUserCommand({ UserName }))
  const Principal = { AWS: mainAccount.id }
  const Statement = { Effect: 'Allow', Principal, Action: 'sts:AssumeRole' }
  await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: JSON.stringify({ Statement }) }))
  expect([
    (await iam.send(new ListInstanceProfilesForRoleCommand({ RoleName }))).InstanceProfiles,
    (await iam.send(new ListRoleTagsCommand({ RoleName }))).Tags,
    (await iam.send(new ListUserTagsCommand({ UserName }))).Tags,
    (await iam.send(new ListMFADevicesCommand({ UserName }))).MFADevices,
    (await iam.send(new ListSSHPublicKeysCommand({ UserName }))).SSHPublicKeys,
    (await iam.send(new ListSigningCertificatesCommand({ UserName }))).Certificates,
  ]).toEqual([[], [], [], [], [], []])
  for (const asking of [
    iam.send(new GetLoginProfileCommand({ UserName })),
    iam.send(new DeleteLoginProfileCommand({ UserName })),
    iam.send(new ListUserTagsCommand({ UserName: 'nobody' })),
    iam.send(new ListInstanceProfilesForRoleCommand({ RoleName: 'nobody' })),
  ]) {
    expect(await outcome(asking)).toBe('404 NoSuchEntity')
  }
})
