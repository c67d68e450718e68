import { describe, expect, it } from 'vitest'
import { authoriseRequest } from '../../../src/api/s3/access/authorise-request.ts'
import { ANONYMOUS_OWNER, ANONYMOUS_PRINCIPAL } from '../../../src/api/s3/anonymous.ts'
import { createBucket } from '../../../src/api/s3/operations/create-bucket.ts'
import { getObject } from '../../../src/api/s3/operations/get-object.ts'
import type { Json } from '../../../src/objects/bucket-document.ts'
import type { Bucket } from '../../../src/objects/buckets.ts'
import type { Objects } from '../../../src/objects/objects.ts'
import { policyFor } from '../../support/shared-buckets.ts'

const bucket = {
  ...{ id: 'id', name: 'photos', ownerId: 'owner', ownerName: 'owner' },
  serviceInstanceCrn: `crn:v1:bluemix:public:cloud-object-storage:global:a/${'1'.repeat(32)}:i::`,
} as unknown as Bucket

interface Stored {
  readonly blobId: Buffer
  readonly acl?: Json
}
const open: Stored = { blobId: Buffer.from('open'), acl: { grants: [{ group: 'AllUsers', permission: 'READ' }] } }
const closed: Stored = { blobId: Buffer.from('closed') }

/** Somebody unknown asks for `photos/cat`, of which each look finds the next of these. */
async function authorised(documents: Readonly<Record<string, Json>>, states: readonly (Stored | undefined)[]) {
  const left = [...states]
  const next = async () => {
    const one = left.length > 1 ? left.shift() : left[0]
    return one && { ...one, [Symbol.dispose]: () => {} }
  }
  const service = {
    ...{ buckets: { get: () => bucket }, document: (_: unknown, kind: string) => documents[kind] },
    ...{ known: next, open: next, configurationOf: () => ({}) },
  }
  const objects = { ...service, onBehalfOf: () => service } as unknown as Objects
  const authorisation = await authoriseRequest(
    {
      operation: getObject,
      request: {
        ...{
          id: '1',
          method: 'GET',
          rawPath: '/photos/cat',
          rawQuery: '',
          bucket: 'photos',
          key: 'cat',
          secure: false,
        },
        ...{ query: new Map(), headers: new Map(), duplicateQuery: new Set(), duplicateHeaders: new Set() },
      } as never,
      caller: { principal: ANONYMOUS_PRINCIPAL, serviceInstanceCrn: '', owner: ANONYMOUS_OWNER } as never,
      sourceIp: undefined,
    },
    {
      objects,
      iam: { decide: () => ({ allowed: false, reason: 'none' }), owner: () => undefined, instances: () => [] },
      clock: { now: () => 0 },
      settings: { region: 'us-east-1', serviceRootKeyCrn: '', accountRootKey: async () => '' },
      firewall: () => undefined,
    },
  )
  return { authorisation, objects }
}

const target = { bucket, key: 'cat' }
async function read(documents: Readonly<Record<string, Json>>, ...states: readonly (Stored | undefined)[]) {
  const { authorisation, objects } = await authorised(documents, states)
  return (await authorisation.guarded(objects).open(target)).blobId.toString()
}

const classic = { ownershipControls: null, publicAccessBlock: null }
const listable = { text: policyFor('photos', { Action: 's3:ListBucket', Resource: 'arn:aws:s3:::photos' }) }
const refused = expect.objectContaining({ code: 'AccessDenied' })

describe('a decision about an object', () => {
  it('holds for the object that it was about', async () => {
    expect(await read(classic, open)).toBe('open')
    await expect(read(classic, closed)).rejects.toThrow(refused)
  })

  it('is taken again for one that took its place before it was opened', async () => {
    await expect(read(classic, open, closed)).rejects.toThrow(refused)
    const other = { ...open, blobId: Buffer.from('other') }
    expect(await read(classic, open, other)).toBe('other')
  })

  it('is taken again for one that came where there was none', async () => {
    await expect(read({ ...classic, policy: listable }, undefined, closed)).rejects.toThrow(refused)
    expect(await read({ ...classic, policy: listable }, undefined, open)).toBe('open')
  })
})

describe('a decision about an object that is changed', () => {
  type Confirming = { readonly confirm?: (...about: unknown[]) => Promise<boolean> }
  const change = async (name: string, found: Stored, ...states: readonly (Stored | undefined)[]) => {
    const { authorisation, objects } = await authorised(classic, states)
    const asked = async ({ confirm }: Confirming) =>
      confirm?.(...(name === 'rename' ? ['cat', found.blobId] : [found.blobId]))
    const guarded = authorisation.guarded({ ...objects, [name]: asked } as unknown as Objects)
    return (guarded as unknown as Record<string, (input: object) => Promise<unknown>>)[name]?.(target)
  }

  it.each([
    ...['append', 'delete', 'setRetention', 'setLegalHold', 'extendRetention', 'changeHold', 'changeProperties'],
    ...['updateEncryption', 'rename'],
  ])('holds for that one alone: %s', async (name) => {
    expect(await change(name, open, open)).toBe(true)
    await expect(change(name, closed, open, closed)).rejects.toThrow(refused)
    const other = { ...open, blobId: Buffer.from('other') }
    expect(await change(name, other, open, other)).toBe(true)
    // Yet another one is there by now: the change has to look again.
    expect(await change(name, closed, open, other)).toBe(false)
  })

  it('holds, taken by the operation itself, for that one alone', async () => {
    const { authorisation, objects } = await authorised(classic, [open, open, closed])
    const asked = ({ confirm }: Confirming) => confirm?.(closed.blobId)
    const guarded = authorisation.guarded({ ...objects, delete: asked } as unknown as Objects)
    const use = { bucket: 'photos', key: 'cat', versionId: 'null', action: 's3:GetObjectVersion' } as const
    await authorisation.require(use)
    await expect(guarded.delete({ ...target, versionId: 'null', conditions: {} })).rejects.toThrow(refused)
  })
})

describe('a new bucket', () => {
  it.each([
    [{}, ['s3:CreateBucket']],
    [{ 'x-amz-acl': 'private' }, ['s3:CreateBucket']],
    [{ 'x-amz-acl': 'public-read' }, ['s3:CreateBucket', 's3:PutBucketAcl']],
    [{ 'x-amz-grant-read': 'id=x' }, ['s3:CreateBucket', 's3:PutBucketAcl']],
    [{ 'x-amz-object-ownership': 'ObjectWriter' }, ['s3:CreateBucket', 's3:PutBucketOwnershipControls']],
    [
      { 'x-amz-bucket-object-lock-enabled': 'True' },
      ['s3:CreateBucket', 's3:PutBucketObjectLockConfiguration', 's3:PutBucketVersioning'],
    ],
  ])('with %j takes %j', async (headers, expected) => {
    const asked: string[] = []
    const decide = (_: unknown, action: string) => {
      asked.push(action)
      return { allowed: true, reason: 'yes' }
    }
    await authoriseRequest(
      {
        operation: createBucket,
        request: { bucket: 'new', query: new Map(), headers: new Map(Object.entries(headers)) } as never,
        caller: {
          principal: { type: 'user', iamId: 'ann', accountId: '1' },
          serviceInstanceCrn: bucket.serviceInstanceCrn,
        } as never,
        sourceIp: undefined,
      },
      {
        objects: { onBehalfOf: () => ({}) } as unknown as Objects,
        iam: { decide, owner: () => undefined, instances: () => [] },
        clock: { now: () => 0 },
        settings: { region: 'us-east-1', serviceRootKeyCrn: '', accountRootKey: async () => '' },
        firewall: () => undefined,
      },
    )
    expect(asked).toEqual(expected)
  })
})
