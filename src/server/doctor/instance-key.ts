import { stat } from 'node:fs/promises'
import { CodedError } from '../../base/errors.ts'
import { refuseKeyInside } from '../data-directory.ts'
import { givenInstanceKey, keyFileOf, sealFileOf } from '../given-instance-key.ts'
import { type Check, finding } from './finding.ts'
import { closed, isOpenToOthers } from './modes.ts'

const say = finding('instance key')
const BACKUP = 'coffer keys backup --out FILE makes a bundle of it under a passphrase of its own'

export const instanceKey: Check = async ({ config, dataDir }) => {
  const isSealed = await isThere(sealFileOf(dataDir))
  const keyFile = config['instance-passphrase'] === undefined ? keyFileOf(config, dataDir) : undefined
  if (keyFile !== undefined && (await isThere(dataDir))) {
    const inside = await refuseKeyInside(keyFile, dataDir).catch((error: unknown) => error)
    if (inside instanceof Error) return [say.problem(inside.message, 'move the file, and name its place')]
  }
  if (!isSealed) return [say.ok('there is no store yet: the first start makes a key')]
  if (keyFile !== undefined && !(await isThere(keyFile))) {
    return [
      say.problem(
        `${keyFile} is missing: without it nothing in ${dataDir} can be read`,
        'put it back from where it is kept, or coffer keys restore from a bundle; COFFER_INSTANCE_KEY_FILE says where it is',
      ),
    ]
  }
  const file = keyFile === undefined ? undefined : await stat(keyFile)
  if (keyFile !== undefined && file && isOpenToOthers(file)) {
    return [
      say.problem(
        `${keyFile} may be read by others: with it and the data everything can be`,
        `chmod 0600 ${keyFile}; whoever may have read it has it`,
        closed(keyFile, file),
      ),
    ]
  }
  try {
    using _key = await givenInstanceKey(config, dataDir)
  } catch (error) {
    const message = error instanceof CodedError ? error.message : String(error)
    return [
      say.problem(
        message,
        'it is another key than the one the store was made with, or the file is damaged: look for the right one among your backups',
      ),
    ]
  }
  const together = keyFile !== undefined && (await isOnOneDisk(keyFile, dataDir))
  return [
    say.ok('it opens the store'),
    ...(together
      ? [
          say.warning(
            `${keyFile} is on the same disk as the data: whoever takes the disk has both, and a disk that dies takes both`,
            `keep it elsewhere (COFFER_INSTANCE_KEY_FILE), or use a passphrase; ${BACKUP}`,
          ),
        ]
      : []),
  ]
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

async function isOnOneDisk(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([stat(one), stat(other)])
  return a.dev === b.dev
}
