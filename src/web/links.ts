import { keyLabel, type RootKey } from './client/key-protect.ts'
import { objectPath } from './client/s3-path.ts'
import { type Instance, session } from './client/session.ts'
import { href } from './router.ts'

/** The addresses of things, in one place: they are deep and stay what they are. */
export const bucketHref = (bucket: string): string => href(['buckets', bucket])

export const bucketTabHref = (bucket: string, tab: string): string => href(['buckets', bucket, tab])

export const objectsHref = (bucket: string, prefix = '', selected?: string): string =>
  href(['buckets', bucket, 'objects', { rest: prefix }], { sel: selected })

export const uriOf = (bucket: string, key: string): string => `s3://${bucket}/${key}`

/** A file to keep, and no page. */
export function downloadHref(bucket: string, key: string, versionId?: string): string {
  const version = versionId === undefined ? '' : `?versionId=${encodeURIComponent(versionId)}`
  return objectPath(bucket, key) + version
}

/** Beside the buckets, and not under them: one may be called `create`. `rootKey`: CRN of the one that is to protect it. */
export const createBucketHref = (rootKey?: string): string => href(['create-bucket'], { key: rootKey })

/** `back`: where to go when it is done, an address of the console. */
export const authorizeHref = (
  from: { readonly source: string; readonly target: string; readonly key?: string },
  back?: string,
): string => href(['authorize'], { source: from.source, target: from.target, key: from.key, back })

/** By the names that people know: `/ui/keys/eu-keys/finance-root`. */
export const keyHref = (instance: Pick<Instance, 'name'>, key: Pick<RootKey, 'aliases' | 'id' | 'name'>): string =>
  href(['keys', instance.name, key.aliases ? keyLabel(key) : key.id])

/** As a command names it: `eu-keys/finance-root`, by an alias or the id. */
export const keyReference = (instance: Pick<Instance, 'name'>, key: Pick<RootKey, 'aliases' | 'id'>): string =>
  `${instance.name}/${key.aliases?.[0] ?? key.id}`

/** By its name, or its GUID. */
export const instanceNamed = (name: string): Instance | undefined =>
  session().instances.find((one) => one.name === name) ?? session().instances.find(({ guid }) => guid === name)

/** That a CRN is of, where it is one of the account's. */
export const instanceOfCrn = (crn: string): Instance | undefined =>
  session().instances.find(({ guid }) => crn.split(':')[7] === guid)
