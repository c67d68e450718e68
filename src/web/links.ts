import { keyLabel, type RootKey } from './client/key-protect.ts'
import { type Instance, session } from './client/session.ts'
import { href } from './router.ts'

/** The addresses of things, in one place: they are deep and stay what they are. */
export const bucketHref = (bucket: string): string => href(['buckets', bucket])

export const bucketTabHref = (bucket: string, tab: string): string => href(['buckets', bucket, tab])

export const objectsHref = (bucket: string, prefix = '', selected?: string): string =>
  href(['buckets', bucket, 'objects', { rest: prefix }], { sel: selected })

/** By the names that people know: `/ui/keys/eu-keys/finance-root`. */
export const keyHref = (instance: Pick<Instance, 'name'>, key: Pick<RootKey, 'aliases' | 'id' | 'name'>): string =>
  href(['keys', instance.name, key.aliases ? keyLabel(key) : key.id])

/** By its name, or its GUID. */
export const instanceNamed = (name: string): Instance | undefined =>
  session().instances.find((one) => one.name === name) ?? session().instances.find(({ guid }) => guid === name)

/** That a CRN is of, where it is one of the account's. */
export const instanceOfCrn = (crn: string): Instance | undefined =>
  session().instances.find(({ guid }) => crn.split(':')[7] === guid)
