import { describe, expect, it } from 'vitest'
import type { Bucket } from '../../../src/objects/buckets.ts'
import type { ChangeTarget } from '../../../src/objects/find-version.ts'
import type { Objects } from '../../../src/objects/objects.ts'
import { bodyOf, plain, readAll, testEngine } from '../../support/engine.ts'

type Confirm = NonNullable<ChangeTarget['confirm']>
interface Change {
  readonly documents?: Parameters<Objects['createBucket']>[0]['documents']
  readonly versioning?: 'Enabled'
  readonly act: (objects: Objects, target: { bucket: Bucket; key: string; confirm: Confirm }) => Promise<unknown>
}

const NOW_MS = 1_700_000_000_000
const protection = { minimumDays: 0, defaultDays: 0, maximumDays: 10, permanent: false }
const locked = { documents: { objectLock: {} }, versioning: 'Enabled' } as const
const CHANGES: Readonly<Record<string, Change>> = {
  'what is said of it': { act: (objects, target) => objects.changeProperties(target, (now) => ({ ...now, acl: {} })) },
  'its retention': {
    ...locked,
    act: (objects, target) => {
      const retention = { mode: 'COMPLIANCE', untilMs: NOW_MS + 1000 } as const
      return objects.setRetention({ ...target, retention, bypassGovernance: false })
    },
  },
  'its legal hold': { ...locked, act: (objects, target) => objects.setLegalHold({ ...target, legalHold: true }) },
  'its period': {
    documents: { protection },
    act: (objects, target) => objects.extendRetention({ ...target, by: { fromNowSeconds: 60 } }),
  },
  'its holds': {
    documents: { protection },
    act: (objects, target) => objects.changeHold({ ...target, id: 'h', act: 'add' }),
  },
  'whether it is there': { act: (objects, target) => objects.delete({ ...target, conditions: {} }) },
  'whether it is there, by a marker': {
    versioning: 'Enabled',
    act: (objects, target) => objects.delete({ ...target, conditions: {} }),
  },
  'whether its null version is there': {
    act: (objects, target) => objects.delete({ ...target, versionId: 'null', conditions: {} }),
  },
  'its root key': {
    act: (objects, target) => {
      const { rootKeyCrn } = target.bucket
      return objects.updateEncryption({ ...target, encryption: 'customer-managed', rootKeyCrn, bucketKey: true })
    },
  },
}

async function stored({ documents, versioning }: Omit<Change, 'act'>) {
  const { objects, newBucket } = await testEngine()
  const bucket = await objects.createBucket({
    ...newBucket,
    ...(documents === undefined ? {} : { documents }),
    ...(versioning === undefined ? {} : { versioning }),
  })
  const put = async (text: string, key = 'k'): Promise<Buffer | undefined> => {
    await objects.put({ bucket, key, body: bodyOf(text), ...plain })
    return (await objects.known({ bucket, key }))?.blobId
  }
  return { objects, bucket, put, first: await put('first') }
}

describe.each(Object.entries(CHANGES))('who changes of an object %s', (_, { act, ...how }) => {
  it('changes no other that was put in its place', async () => {
    const { objects, bucket, put, first } = await stored(how)
    const asked: (Buffer | undefined)[] = []
    let second: Buffer | undefined
    const confirm: Confirm = async (blobId) => {
      asked.push(blobId)
      if (asked.length > 1) throw new Error('not this one')
      second = await put('second')
      return true
    }
    await expect(act(objects, { bucket, key: 'k', confirm })).rejects.toThrow('not this one')
    expect(asked).toEqual([first, second])
    expect(await readAll(objects, bucket, 'k')).toBe('second')
    const known = await objects.known({ bucket, key: 'k' })
    expect([known?.acl, known?.lock?.holds, known?.lock?.mode, known?.lock?.legalHold]).toEqual(
      Array(4).fill(undefined),
    )
  })

  it('looks again when it is not the one that was meant', async () => {
    const { objects, bucket, put, first } = await stored(how)
    const asked: (Buffer | undefined)[] = []
    let second: Buffer | undefined
    const confirm: Confirm = async (blobId) => {
      asked.push(blobId)
      if (asked.length > 1) return true
      second = await put('second')
      return false
    }
    await act(objects, { bucket, key: 'k', confirm })
    expect(asked).toEqual([first, second])
  })
})

describe('who appends to an object', () => {
  const append = (objects: Objects, bucket: Bucket, confirm: Confirm, offsetBytes = 5) =>
    objects.append({ ...plain, bucket, key: 'k', body: bodyOf(' and more'), offsetBytes, confirm })

  it('appends to no other that was put in its place', async () => {
    const { objects, bucket, put, first } = await stored({})
    const asked: (Buffer | undefined)[] = []
    const confirm: Confirm = async (blobId) => {
      asked.push(blobId)
      await put('other')
      return true
    }
    await expect(append(objects, bucket, confirm)).rejects.toMatchObject({ code: 'InvalidWriteOffset' })
    expect(asked).toEqual([first])
    expect(await readAll(objects, bucket, 'k')).toBe('other')
  })

  it('appends to the one that was meant, or makes it where there was to be none', async () => {
    const { objects, bucket, put } = await stored({})
    let left = 1
    const second = async (): Promise<boolean> => {
      if (left-- === 0) return true
      await put('again')
      return false
    }
    await append(objects, bucket, second)
    expect(await readAll(objects, bucket, 'k')).toBe('again and more')
    await objects.delete({ bucket, key: 'k', conditions: {} })
    const none = async (blobId: Buffer | undefined) => blobId !== undefined
    await expect(append(objects, bucket, none, 0)).rejects.toMatchObject({ code: 'InvalidWriteOffset' })
  })
})

describe('who renames an object', () => {
  const rename = (
    objects: Objects,
    bucket: Bucket,
    confirm: (key: string, blobId: Buffer | undefined) => Promise<boolean>,
  ) => objects.rename({ bucket, from: 'k', to: 'new', conditions: {}, check: () => {}, confirm })

  it('renames no other that was put in its place', async () => {
    const { objects, bucket, put, first } = await stored({})
    const asked: unknown[] = []
    const confirm = async (key: string, blobId: Buffer | undefined): Promise<boolean> => {
      asked.push([key, blobId])
      await put('other')
      return true
    }
    const conflict = { code: 'ConditionalRequestConflict' }
    await expect(rename(objects, bucket, confirm)).rejects.toMatchObject(conflict)
    expect(asked).toEqual([['k', first]])
    await expect(rename(objects, bucket, async () => false)).rejects.toMatchObject(conflict)
    expect(await readAll(objects, bucket, 'k')).toBe('other')
  })

  it('replaces no other that came under the new name', async () => {
    const { objects, bucket, put } = await stored({})
    let came: Buffer | undefined
    const confirm = async (key: string, blobId: Buffer | undefined): Promise<boolean> => {
      if (key === 'k') return true
      if (blobId !== undefined) throw new Error(blobId.equals(came ?? Buffer.alloc(0)) ? 'not this one' : 'which one?')
      came = await put('other', 'new')
      return true
    }
    await expect(rename(objects, bucket, confirm)).rejects.toThrow('not this one')
    expect([await readAll(objects, bucket, 'k'), await readAll(objects, bucket, 'new')]).toEqual(['first', 'other'])
  })
})
