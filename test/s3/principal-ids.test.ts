import { rm } from 'node:fs/promises'
import { GetBucketPolicyCommand, GetObjectCommand, PutBucketPolicyCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bucketPolicy } from '../../src/api/s3/access/documents.ts'
import { mainAccount } from '../support/bootstrap.ts'
import { startHouse } from '../support/house.ts'
import { refusal } from '../support/object-house.ts'
import { type QueryCredentials, type QueryReply, queryApi } from '../support/query-api.ts'
import { policyFor, type SharedHouse, startSharedHouse } from '../support/shared-buckets.ts'

let test: SharedHouse
beforeAll(async () => {
  test = await startSharedHouse('classic')
})
afterAll(() => test[Symbol.asyncDispose]())

const iam = (...[action, params]: [string, Record<string, string>]) =>
  queryApi(test.house.s3Url, 'iam')(action, params).then((reply) => {
    expect([action, reply.outcome]).toEqual([action, '200'])
    return reply
  })
const sts = (credentials: QueryCredentials) => queryApi(test.house.s3Url, 'sts', credentials)
const arn = (kind: string, name: string) => `arn:aws:iam::${mainAccount.id}:${kind}/${name}`
const credentialsOf = (reply: QueryReply) => ({
  accessKeyId: reply.text('AccessKeyId'),
  secretAccessKey: reply.text('SecretAccessKey'),
  sessionToken: reply.text('SessionToken'),
})
const get = (credentials: QueryCredentials, Bucket: string) =>
  refusal(test.house.client(mainAccount, { credentials }).send(new GetObjectCommand({ Bucket, Key: 'cat' })))
const principals = async (Bucket: string): Promise<unknown> => {
  const { Policy = '' } = await test.main.send(new GetBucketPolicyCommand({ Bucket }))
  return JSON.parse(Policy).Statement[0].Principal.AWS
}

let made = 0
const newName = () => `id-${++made}`
async function user(UserName: string) {
  const id = (await iam('CreateUser', { UserName })).text('UserId')
  const { accessKeyId, secretAccessKey } = credentialsOf(await iam('CreateAccessKey', { UserName }))
  const remove = async () => {
    await iam('DeleteAccessKey', { UserName, AccessKeyId: accessKeyId })
    await iam('DeleteUser', { UserName })
  }
  return { id, credentials: { accessKeyId, secretAccessKey }, remove }
}

const trust = (AWS: string) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { AWS }, Action: 'sts:AssumeRole' }],
  })

describe('what a bucket’s policy gives to a user', () => {
  it('is not of a later user of that name; the policy shows whom it was for', async () => {
    const [Bucket, name] = [await test.bucket(), newName()]
    const first = await user(name)
    await test.policy(Bucket, { Principal: { AWS: arn('user', name) } })
    expect(await get(first.credentials, Bucket)).toBe('200')
    expect(await principals(Bucket)).toBe(arn('user', name))
    await first.remove()
    expect(await principals(Bucket)).toBe(first.id)
    const second = await user(name)
    expect(second.id).not.toBe(first.id)
    expect(await get(second.credentials, Bucket)).toBe('403 AccessDenied')
    expect(await principals(Bucket)).toBe(first.id)
    await test.policy(Bucket, { Principal: { AWS: [arn('user', name)] } })
    expect(await get(second.credentials, Bucket)).toBe('200')
  })

  it('goes with it to another name, under which the policy shows it', async () => {
    const [Bucket, name, next] = [await test.bucket(), newName(), newName()]
    const { credentials } = await user(name)
    await test.policy(Bucket, { Principal: { AWS: [arn('user', name), mainAccount.id] } })
    await iam('UpdateUser', { UserName: name, NewUserName: next, NewPath: '/x/' })
    expect(await get(credentials, Bucket)).toBe('200')
    expect(await principals(Bucket)).toEqual([arn('user', `x/${next}`), mainAccount.id])
    expect(await get((await user(name)).credentials, Bucket)).toBe('403 AccessDenied')
  })

  it('is given back byte for byte while the names are what they were', async () => {
    const [Bucket, name] = [await test.bucket(), newName()]
    await user(name)
    const Policy = ` ${policyFor(Bucket, { Principal: { AWS: arn('user', name) } })}`.trimStart().replace(',', ' ,\n ')
    await test.main.send(new PutBucketPolicyCommand({ Bucket, Policy }))
    expect((await test.main.send(new GetBucketPolicyCommand({ Bucket }))).Policy).toBe(Policy)
  })

  it('still leaves out whom a Deny names with NotPrincipal, and no later one', async () => {
    const [Bucket, name] = [await test.bucket(), newName()]
    const first = await user(name)
    const open = { Principal: { AWS: arn('user', name) } }
    const shut = {
      Effect: 'Deny',
      Principal: undefined,
      NotPrincipal: { AWS: [arn('user', name), `arn:aws:iam::${mainAccount.id}:root`] },
    }
    await test.policy(Bucket, open, shut)
    expect(await get(first.credentials, Bucket)).toBe('200')
    await first.remove()
    const UserName = name
    const second = await user(name)
    const PolicyDocument = JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }],
    })
    await iam('PutUserPolicy', { UserName, PolicyName: 'p', PolicyDocument })
    expect(await get(second.credentials, Bucket)).toBe('403 AccessDenied')
  })

  it('is refused for a name that nobody has', async () => {
    const Bucket = await test.bucket()
    const { id, remove } = await user(newName())
    for (const AWS of [
      ...[arn('user', 'nobody'), arn('role', 'nobody'), arn('user', `x/id-${made}`), arn('user', `ID-${made}`)],
      ...[`arn:aws:iam::${'9'.repeat(32)}:user/x`, `arn:aws:sts::${mainAccount.id}:assumed-role/nobody/x`, id],
      `arn:aws-cn:iam::${mainAccount.id}:user/id-${made}`,
    ]) {
      expect([AWS, await refusal(test.policy(Bucket, { Principal: { AWS } }))]).toEqual([AWS, '400 MalformedPolicy'])
      const role = { RoleName: newName(), AssumeRolePolicyDocument: trust(AWS) }
      const reply = await queryApi(test.house.s3Url, 'iam')('CreateRole', role)
      expect(reply.outcome).toBe('400 MalformedPolicyDocument')
      made--
    }
    await remove()
    // People and service IDs are never called like one another.
    await test.policy(Bucket, { Principal: { AWS: arn('user', mainAccount.user.iamId) } })
    expect(await principals(Bucket)).toBe(arn('user', mainAccount.user.iamId))
  })
})

describe('roles', () => {
  it('are known by their ids, and their sessions as well', async () => {
    const [Bucket, named, RoleName] = [await test.bucket(), await test.bucket(), newName()]
    const create = () => iam('CreateRole', { RoleName, AssumeRolePolicyDocument: trust(mainAccount.id) })
    const id = (await create()).text('RoleId')
    const RoleArn = arn('role', RoleName)
    const night = `arn:aws:sts::${mainAccount.id}:assumed-role/${RoleName}/night`
    await test.policy(Bucket, { Principal: { AWS: RoleArn } })
    await test.policy(named, { Principal: { AWS: night } })
    const assume = async (RoleSessionName = 'night') =>
      credentialsOf(await sts(mainAccount.user)('AssumeRole', { RoleArn, RoleSessionName }))
    const first = await assume()
    expect([await get(first, Bucket), await get(first, named)]).toEqual(['200', '200'])
    expect(await get(await assume('day'), named)).toBe('403 AccessDenied')
    await iam('DeleteRole', { RoleName })
    expect([await principals(Bucket), await principals(named)]).toEqual([id, `${id}:night`])
    await create()
    const second = await assume()
    expect([await get(second, Bucket), await get(second, named)]).toEqual(['403 AccessDenied', '403 AccessDenied'])
  })

  it('are not for a later user of the name in their trust policy', async () => {
    const [RoleName, name] = [newName(), newName()]
    const first = await user(name)
    await iam('CreateRole', { RoleName, AssumeRolePolicyDocument: trust(arn('user', name)) })
    const assume = async (credentials: QueryCredentials) =>
      (await sts(credentials)('AssumeRole', { RoleArn: arn('role', RoleName), RoleSessionName: 'day' })).outcome
    expect(await assume(first.credentials)).toBe('200')
    await first.remove()
    const second = await user(name)
    expect(await assume(second.credentials)).toBe('403 AccessDenied')
    const shown = decodeURIComponent((await iam('GetRole', { RoleName })).text('AssumeRolePolicyDocument'))
    expect(JSON.parse(shown).Statement[0].Principal.AWS).toBe(first.id)
    await iam('UpdateAssumeRolePolicy', { RoleName, PolicyDocument: trust(arn('user', name)) })
    expect(await assume(second.credentials)).toBe('200')
  })
})

it('binds the policies of earlier releases to who has the names at the next start', async () => {
  const before = await startSharedHouse('classic')
  const { directory, dataDir, stop } = before.house
  try {
    const call = (url: string) => queryApi(url, 'iam')
    const key = async (url: string, UserName: string) => {
      expect((await call(url)('CreateUser', { UserName })).outcome).toBe('200')
      return credentialsOf(await call(url)('CreateAccessKey', { UserName }))
    }
    const { accessKeyId } = await key(before.house.s3Url, 'old')
    const Bucket = await before.bucket()
    const { objects } = before.house.house
    const text = policyFor(Bucket, { Principal: { AWS: [arn('user', 'old'), arn('user', 'nobody-yet')] } })
    await bucketPolicy.change(objects, objects.buckets.get(Bucket), { text })
    await stop()
    await using after = await startHouse({ directory, settings: { COFFER_DATA_DIR: dataDir } })
    const client = after.client()
    const shown = async () => (await client.send(new GetBucketPolicyCommand({ Bucket }))).Policy
    expect(await shown()).toBe(text)
    await call(after.s3Url)('DeleteAccessKey', { UserName: 'old', AccessKeyId: accessKeyId })
    expect((await call(after.s3Url)('DeleteUser', { UserName: 'old' })).outcome).toBe('200')
    for (const name of ['old', 'nobody-yet']) {
      const { sessionToken: _, ...credentials } = await key(after.s3Url, name)
      const s3 = after.client(mainAccount, { credentials })
      expect(await refusal(s3.send(new GetObjectCommand({ Bucket, Key: 'cat' })))).toBe('403 AccessDenied')
    }
    expect(await shown()).toMatch(/"AWS":\["AIDA[A-Z2-7]{17}","arn:aws:iam::[0-9]+:user\/nobody-yet"\]/)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})
