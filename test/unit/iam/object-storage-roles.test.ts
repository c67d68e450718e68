import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { isInTable, OBJECT_STORAGE_NAMES } from '../../../src/iam/object-storage-actions.ts'
import type { Role } from '../../../src/iam/principal.ts'
import { roleAllows } from '../../../src/iam/role-actions.ts'

/**
 * Read out of "IAM roles and actions" of IBM Cloud's documentation, table of Cloud Object Storage: every action but those of
 * FASP, notifications, quota reading, forms and copies.
 */
const PUBLISHED: readonly (readonly [name: string, roles: string])[] = [
  ['account.get_account_buckets', 'MRW'],
  ['bucket.put_bucket', 'MW'],
  ['bucket.delete_bucket', 'MW'],
  ['bucket.get', 'cMRW'],
  ['bucket.list_crk_id', 'MW'],
  ['bucket.head', 'cMRW'],
  ['bucket.get_versions', 'cMRW'],
  ['bucket.get_uploads', 'MRW'],
  ['bucket.get_acl', 'M'],
  ['bucket.put_acl', 'M'],
  ['bucket.get_cors', 'MRW'],
  ['bucket.put_cors', 'MW'],
  ['bucket.delete_cors', 'MW'],
  ['bucket.get_website', 'MRW'],
  ['bucket.put_website', 'MW'],
  ['bucket.delete_website', 'MW'],
  ['bucket.get_versioning', 'MRW'],
  ['bucket.put_versioning', 'MW'],
  ['bucket.get_object_lock_configuration', 'MRW'],
  ['bucket.put_object_lock_configuration', 'MW'],
  ['bucket.get_location', 'cMRW'],
  ['bucket.get_replication', 'MRW'],
  ['bucket.put_replication', 'MW'],
  ['bucket.delete_replication', 'MW'],
  ['bucket.get_lifecycle', 'MRW'],
  ['bucket.put_lifecycle', 'MW'],
  ['bucket.get_activity_tracking', 'MRW'],
  ['bucket.put_activity_tracking', 'MW'],
  ['bucket.get_metrics_monitoring', 'MRW'],
  ['bucket.put_metrics_monitoring', 'MW'],
  ['bucket.put_protection', 'M'],
  ['bucket.get_protection', 'MRW'],
  ['bucket.put_firewall', 'M'],
  ['bucket.get_firewall', 'M'],
  ['bucket.put_public_access_block', 'M'],
  ['bucket.delete_public_access_block', 'M'],
  ['bucket.get_public_access_block', 'M'],
  ['bucket.list_bucket_crn', 'MRW'],
  ['object.get', 'cMoRW'],
  ['object.head', 'cMoRW'],
  ['object.get_version', 'cMoRW'],
  ['object.get_object_lock_retention', 'MRW'],
  ['object.get_object_lock_legal_hold', 'MRW'],
  ['object.put_object_lock_retention', 'MwW'],
  ['object.put_object_lock_legal_hold', 'MwW'],
  ['object.head_version', 'cMoRW'],
  ['object.put', 'MwW'],
  ['object.post_initiate_upload', 'MwW'],
  ['object.put_part', 'MwW'],
  ['object.post_complete_upload', 'MwW'],
  ['object.get_acl', 'M'],
  ['object.get_acl_version', 'M'],
  ['object.put_acl', 'M'],
  ['object.put_acl_version', 'M'],
  ['object.delete', 'MW'],
  ['object.delete_version', 'MW'],
  ['object.get_tagging', 'MRW'],
  ['object.get_tagging_version', 'MRW'],
  ['object.put_tagging', 'MwW'],
  ['object.put_tagging_version', 'MwW'],
  ['object.delete_tagging', 'MwW'],
  ['object.delete_tagging_version', 'MwW'],
  ['object.get_uploads', 'MwRW'],
  ['object.delete_upload', 'MwW'],
  ['object.restore', 'MW'],
  ['object.post_multi_delete', 'MW'],
  ['object.post_legal_hold', 'MW'],
  ['object.get_legal_hold', 'MRW'],
  ['object.post_extend_retention', 'MW'],
  ['bucket.put_quota', 'M'],
]
const ROLES: readonly (readonly [string, Role])[] = [
  ['M', 'Manager'],
  ['W', 'Writer'],
  ['R', 'Reader'],
  ['c', 'ContentReader'],
  ['o', 'ObjectReader'],
  ['w', 'ObjectWriter'],
]
/** S3 asks for one right where IBM has two: the other one decides. */
const AS_ANOTHER: Readonly<Record<string, string>> = {
  'bucket.delete_cors': 'bucket.put_cors',
  'bucket.delete_replication': 'bucket.put_replication',
  'bucket.delete_public_access_block': 'bucket.put_public_access_block',
  'object.post_initiate_upload': 'object.put',
  'object.put_part': 'object.put',
  'object.post_complete_upload': 'object.put',
  'object.post_multi_delete': 'object.delete',
}

it.each(PUBLISHED)('%s is what IBM’s roles %s may do, and no others', (name, letters) => {
  const actions = OBJECT_STORAGE_NAMES.get(AS_ANOTHER[name] ?? name) ?? []
  expect(actions).not.toEqual([])
  for (const action of actions) {
    const allowed = ROLES.filter(([, role]) => roleAllows('cloud-object-storage', role, action)).map(
      ([letter]) => letter,
    )
    expect([action, allowed.sort().join('')]).toEqual([action, [...letters].sort().join('')])
  }
})

it.each(['s3:ReplicateObject', 's3:ReplicateDelete', 's3:ReplicateTags'] as const)(
  '%s, which says ids and times, is a Manager’s',
  (action) => {
    const allowed = ROLES.filter(([, role]) => roleAllows('cloud-object-storage', role, action))
    expect(allowed.map(([letter]) => letter)).toEqual(['M'])
  },
)

it('every action that something asks for has its row', async () => {
  const root = join(import.meta.dirname, '../../../src/api')
  const files = (await readdir(root, { recursive: true })).filter((name) => name.endsWith('.ts'))
  const texts = await Promise.all(files.map((name) => readFile(join(root, name), 'utf8')))
  const asked = new Set(
    texts.flatMap((text) => [...text.matchAll(/'(s3:[A-Z]\w+)'/g)].map(([, action]) => action ?? '')),
  )
  // No actions: the beginning of names, and an event.
  for (const other of ['s3:Get', 's3:Put', 's3:TestEvent']) asked.delete(other)
  expect(asked.size).toBeGreaterThan(80)
  expect([...asked].filter((action) => !isInTable(`s3:${action.slice(3)}`))).toEqual([])
})
