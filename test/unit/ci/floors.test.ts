import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkFloors } from '../../../.ci/floors.ts'

let root: string

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'floors-'))
  mkdirSync(path.join(root, 'src'))
})
afterEach(() => rmSync(root, { recursive: true }))

function violationsOf(files: Record<string, string>): string[] {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true })
    writeFileSync(path.join(root, name), text)
  }
  return checkFloors(root).map(({ file, line, message }) => `${file}:${line} ${message}`)
}

describe('floors', () => {
  it('lets imports go down and stay in the room', () => {
    const found = violationsOf({
      'src/server/main.ts': "import '../api/s3/handler.ts'\nimport 'koa'\nimport '../providers/index.ts'",
      'src/api/s3/handler.ts':
        "import type { A } from '../../objects/a.ts'\nimport { b } from './b.ts'\nimport '../common/c.ts'",
      'src/api/s3/b.ts': 'export const b = 1',
      'src/api/common/c.ts': "import Koa from 'koa'",
      'src/api/s3/operations/index.ts': "export { one } from './one.ts'",
      'src/api/s3/operations/one.ts': "import { b } from '../b.ts'",
      'src/api/s3/post-form.ts': "import busboy from 'busboy'",
      'src/objects/a.ts': "import '../storage/s.ts'\nimport '../envelope/e.ts'\nexport type A = string",
      'src/storage/s.ts': '',
      'src/envelope/e.ts': "import { randomBytes } from 'node:crypto'",
      'src/storage/metadata/level-store.ts': "import { Level } from 'level'",
      'src/providers/index.ts': "import { one } from './one.ts'",
      'src/providers/one.ts': "import './common/remote.ts'",
      'src/providers/common/remote.ts': '',
      'src/server/config.ts': 'export const home = process.env',
    })
    expect(found).toEqual([])
  })

  it('lets what is apart import itself, Node and what it builds on, and the table of commands import it', () => {
    const found = violationsOf({
      'src/decrypt/a.ts': "import 'node:crypto'\nimport './b.ts'",
      'src/decrypt/b.ts': '',
      'src/prove/a.ts': "import '../decrypt/a.ts'",
      'src/server/commands/index.ts': "export const a = import('../../decrypt/a.ts')",
    })
    expect(found).toEqual([])
  })

  it.each([
    [
      'of the rest by what is apart',
      { 'src/decrypt/a.ts': "import '../base/bytes.ts'" },
      'imports src/base/bytes.ts: decrypt shares no code with the rest',
    ],
    [
      'of what is apart by the rest',
      { 'src/server/foundation.ts': "import '../decrypt/a.ts'" },
      'imports src/decrypt/a.ts: decrypt shares no code with the rest',
    ],
    [
      'of a package by what is apart',
      { 'src/prove/a.ts': "import { Level } from 'level'" },
      'imports level: prove needs Node and nothing else',
    ],
    [
      'upwards',
      { 'src/storage/a.ts': "\nimport { b } from '../objects/b.ts'" },
      'src/storage/a.ts:2 imports src/objects/b.ts',
    ],
    ['upwards, a type only', { 'src/base/a.ts': "import type { B } from '../iam/b.ts'" }, 'base stands below iam'],
    [
      'upwards, as an import type',
      { 'src/base/a.ts': "export type B = import('../iam/b.ts').B" },
      'base stands below iam',
    ],
    ['upwards, a re-export', { 'src/kms/a.ts': "export * from '../api/s3/b.ts'" }, 'kms stands below api'],
    [
      'upwards, dynamically',
      { 'src/kms/a.ts': "export const f = () => import('../api/s3/b.ts')" },
      'kms stands below api',
    ],
    [
      'from storage to envelope',
      { 'src/storage/a.ts': "import '../envelope/b.ts'" },
      'storage and envelope never meet',
    ],
    ['from objects to iam', { 'src/objects/a.ts': "import '../iam/b.ts'" }, 'objects and iam never meet'],
    ['between providers', { 'src/providers/a.ts': "import './b.ts'" }, 'a.ts and b.ts never meet'],
    ['between operations', { 'src/api/s3/operations/a.ts': "import './b.ts'" }, 'a.ts and b.ts never meet'],
    ['between protocols', { 'src/api/iam/a.ts': "import '../s3/b.ts'" }, 'iam and s3 never meet'],
    ['from common to a protocol', { 'src/api/common/a.ts': "import '../s3/b.ts'" }, 'common and s3 never meet'],
    ['from a room on no floor', { 'src/attic/a.ts': "import '../base/b.ts'" }, 'attic is on no floor'],
    ['out of src', { 'src/base/a.ts': "import '../../test/support/b.ts'" }, 'outside src'],
    ['koa in a protocol', { 'src/api/s3/a.ts': "import Koa from 'koa'" }, 'imports koa'],
    ['@koa/router in objects', { 'src/objects/a.ts': "import Router from '@koa/router'" }, 'imports @koa/router'],
    ['busboy elsewhere', { 'src/api/s3/a.ts': "import busboy from 'busboy'" }, 'imports busboy'],
    ['level elsewhere', { 'src/storage/metadata/a.ts': "import { Level } from 'level'" }, 'imports level'],
    [
      'node:crypto in objects',
      { 'src/objects/a.ts': "import { randomUUID } from 'node:crypto'" },
      'imports node:crypto',
    ],
    ['node:crypto in a protocol', { 'src/api/s3/a.ts': "import 'node:crypto'" }, 'imports node:crypto'],
    [
      'process.env',
      { 'src/server/main.ts': '\nexport const a = process.env.A' },
      'src/server/main.ts:2 reads process.env',
    ],
    ['process["env"]', { 'src/iam/a.ts': "export const a = process['env']" }, 'reads process.env'],
    ['a taken apart process', { 'src/iam/a.ts': 'export const { env } = process' }, 'reads process.env'],
    ['an imported environment', { 'src/iam/a.ts': "import { env } from 'node:process'" }, 'reads process.env'],
  ])('catches an import or a read: %s', (_, files: Record<string, string>, expected) => {
    const found = violationsOf(files)
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(expected)
  })

  it('catches a cycle once, types included', () => {
    const found = violationsOf({
      'src/kms/a.ts': "import './b.ts'",
      'src/kms/b.ts': "import type { C } from './c.ts'",
      'src/kms/c.ts': "import './a.ts'\nexport type C = string",
    })
    expect(found).toEqual(['src/kms/a.ts:1 is in a cycle: src/kms/a.ts → src/kms/b.ts → src/kms/c.ts → src/kms/a.ts'])
  })
})
