import { hasCode } from '../../../src/base/errors.ts'
import { openLevelStore } from '../../../src/storage/metadata/level-store.ts'
import { testMark } from '../../support/log-mark.ts'

/** A process of its own that commits until it is refused, then tries again, and reports on stdout. */
const [, , directory = ''] = process.argv
let failures = 0
let acknowledged = 0
const codes: string[] = []

try {
  const store = await openLevelStore(directory, { mark: testMark, onFailure: () => failures++ })
  for (let attempt = 0; codes.length < 5 && attempt < 5000; attempt++) {
    const key = Buffer.alloc(4)
    key.writeUInt32BE(attempt)
    try {
      await store.commit([{ type: 'put', space: 1, key, value: Buffer.alloc(4096, attempt) }])
      acknowledged++
    } catch (error) {
      codes.push(hasCode(error) ? error.code : String(error))
    }
  }
  process.stdout.write(JSON.stringify({ acknowledged, codes, failures }))
} catch (error) {
  process.stdout.write(hasCode(error) ? error.code : String(error))
  process.exitCode = 1
}
