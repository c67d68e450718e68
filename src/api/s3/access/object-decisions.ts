import type { KnownObject } from '../../../objects/change-properties.ts'
import type { ChangeTarget, VersionTarget } from '../../../objects/find-version.ts'
import type { ObjectsService } from '../../../objects/objects.ts'
import { S3Error } from '../error-codes.ts'
import type { ResourceUse } from '../operation.ts'
import type { Decision } from './authorise.ts'

/** What was decided for one request by what lay where it was to be done. */
export interface ObjectDecisions {
  readonly add: (use: ResourceUse, decision: Decision) => void
  /** The engine, held to them. */
  readonly guarded: (objects: ObjectsService) => ObjectsService
}

/** Each but the first means that another object was put there. */
const MAX_ATTEMPTS = 20

/**
 * A decision about one object is none about another that was put in its place meanwhile: then it is taken again, when
 * that one is opened and right before it is changed. `decide` throws for what is not allowed.
 */
export function objectDecisions(decide: (use: ResourceUse) => Promise<Decision>): ObjectDecisions {
  const taken: { readonly use: ResourceUse; seen: Decision['seen'] }[] = []

  const holdsFor = async (target: VersionTarget, blobId: Buffer | undefined): Promise<boolean> => {
    const about = taken.filter(
      ({ use: { bucket, key, versionId = undefined } }) =>
        bucket === target.bucket.name && key === target.key && versionId === target.versionId,
    )
    const holds = (): boolean => about.every(({ seen }) => seen === undefined || isSame(seen, blobId))
    if (holds()) return true
    for (const one of about) one.seen = (await decide(one.use)).seen
    return holds()
  }

  const found = async <Found extends Pick<KnownObject, 'blobId'> | undefined>(
    target: VersionTarget,
    find: () => Promise<Found>,
    leave: (found: Found) => void,
  ): Promise<Found> => {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const one = await find()
      if (!one) return one
      const holds = await holdsFor(target, one.blobId).catch((error: unknown) => {
        leave(one)
        throw error
      })
      if (holds) return one
      leave(one)
    }
    throw new S3Error('OperationAborted')
  }

  const held = <Target extends VersionTarget>(target: Target): Target & ChangeTarget => ({
    ...target,
    confirm: (blobId) => holdsFor(target, blobId),
  })

  return {
    add: (use, { seen }) => {
      if (seen !== undefined) taken.push({ use, seen })
    },
    guarded: (objects) => ({
      ...objects,
      open: (target) =>
        found(
          target,
          () => objects.open(target),
          (opened) => opened[Symbol.dispose](),
        ),
      known: (target) =>
        found(
          target,
          () => objects.known(target),
          () => {},
        ),
      append: (input) => objects.append(held(input)),
      delete: (target) => objects.delete(held(target)),
      setRetention: (change) => objects.setRetention(held(change)),
      setLegalHold: (change) => objects.setLegalHold(held(change)),
      extendRetention: (change) => objects.extendRetention(held(change)),
      changeHold: (change) => objects.changeHold(held(change)),
      changeProperties: (target, next) => objects.changeProperties(held(target), next),
      updateEncryption: (update) => objects.updateEncryption(held(update)),
      rename: (input) =>
        objects.rename({
          ...input,
          confirm: (key, blobId) => holdsFor({ bucket: input.bucket, key }, blobId),
        }),
    }),
  }
}

const isSame = (seen: Pick<KnownObject, 'blobId'> | null, blobId: Buffer | undefined): boolean =>
  blobId === undefined ? seen === null : seen?.blobId.equals(blobId) === true
