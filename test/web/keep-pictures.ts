import { copyFileSync, mkdirSync } from 'node:fs'
import path from 'node:path'

/** Takes the pictures that the README shows from what the tests of the console left. */
const PICTURES: Readonly<Record<string, string>> = {
  'objects.png': 'objects-light.png',
  'create-bucket.png': 'create-bucket-chosen.png',
  'key-disable.png': 'key-disable-light.png',
  'authorizations.png': 'authorizations-light.png',
  'overview-dark.png': 'overview-dark.png',
}
const FROM = path.join(import.meta.dirname, '.artifacts')
const TO = path.join(import.meta.dirname, '../../docs/images')

mkdirSync(TO, { recursive: true })
for (const [name, from] of Object.entries(PICTURES)) copyFileSync(path.join(FROM, from), path.join(TO, name))
