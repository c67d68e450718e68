import { contentHash, type Dice } from '../../support/content.ts'

/** One content of a key: bytes and size follow from it, so that nothing else has to be kept. `undefined`: no such object. */
export interface Version {
  /** What the bytes are made of; also stored as user metadata. */
  readonly seed: string
  readonly lengthBytes: number
}
export type KeyState = Version | undefined

/** Keys that begin so are removed by a lifecycle rule, at any time after they were written. */
export const FLEETING = 'aging/'

/** What a reader may find under a key. More than one: a write was sent, and nobody knows whether it was carried out. */
export interface ModelKey {
  readonly bucket: string
  readonly key: string
  readonly possible: readonly KeyState[]
}

/**
 * What the server has acknowledged and what may have happened besides. Each key has one writer at a time: its worker
 * says `begin` before it sends a write, and `acknowledge` when the server has answered 200.
 */
export interface Model {
  readonly keys: () => readonly ModelKey[]
  readonly at: (bucket: string, key: string) => readonly KeyState[]
  readonly begin: (bucket: string, key: string, state: KeyState) => void
  /** `versionId` of what was written, where the bucket keeps versions: it stays, whatever follows. */
  readonly acknowledge: (bucket: string, key: string, state: KeyState, versionId?: string) => void
  readonly versions: () => readonly ModelVersion[]
}

/** An acknowledged version, which nobody ever removes. */
export interface ModelVersion {
  readonly bucket: string
  readonly key: string
  readonly versionId: string
  readonly version: Version
}

export function createModel(): Model {
  const possible = new Map<string, readonly KeyState[]>()
  const versions: ModelVersion[] = []
  const name = (bucket: string, key: string): string => `${bucket}/${key}`
  const at = (bucket: string, key: string): readonly KeyState[] => possible.get(name(bucket, key)) ?? [undefined]
  return {
    keys: () =>
      [...possible].map(([path, states]) => {
        const [bucket = '', ...key] = path.split('/')
        return { bucket, key: key.join('/'), possible: states }
      }),
    at,
    begin: (bucket, key, state) => void possible.set(name(bucket, key), [...at(bucket, key), state]),
    acknowledge: (bucket, key, state, versionId) => {
      const mayGo = state !== undefined && key.startsWith(FLEETING)
      possible.set(name(bucket, key), mayGo ? [undefined, state] : [state])
      if (versionId !== undefined && state !== undefined) versions.push({ bucket, key, versionId, version: state })
    },
    versions: () => versions,
  }
}

export const hashOfVersion = ({ seed, lengthBytes }: Version): string => contentHash(seed, lengthBytes)

const KIB = 1024
const MIB = 1024 * KIB
export const PART_BYTES = 5 * MIB

/** Sizes around what the server treats differently: empty, packed, one segment and its neighbours, many segments. */
export function anyLength(dice: Dice): number {
  const kind = dice.below(100)
  if (kind < 5) return 0
  if (kind < 50) return 1 + dice.below(4 * KIB)
  if (kind < 70) return 64 * KIB - 1 + dice.below(3)
  if (kind < 90) return 1 + dice.below(600 * KIB)
  return MIB + dice.below(3 * MIB)
}

export const anyLengthInParts = (dice: Dice): number => PART_BYTES + 1 + dice.below(2 * MIB)
