import { cp, mkdir, symlink } from 'node:fs/promises'
import path from 'node:path'
import { expect, it } from 'vitest'
import { mainAccount, writeBootstrapFile } from '../support/bootstrap.ts'
import { startServerProcess } from '../support/server-process.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const ROOT = path.join(import.meta.dirname, '../..')

it('a server whose console was not built serves all else, and says in its log and in place of a page what makes it', async () => {
  await using home = await temporaryDirectory()
  await mkdir(home.join('coffer'))
  const at = (...names: readonly string[]): string => home.join('coffer', ...names)
  await cp(path.join(ROOT, 'src'), at('src'), { recursive: true, filter: (from) => path.basename(from) !== 'built' })
  for (const name of ['node_modules', 'package.json']) await symlink(path.join(ROOT, name), at(name))
  await using server = await startServerProcess({
    dataDir: home.join('data'),
    bootstrapFile: await writeBootstrapFile(home.join('bootstrap.json'), [mainAccount]),
    main: at('src', 'server', 'main.js'),
  })
  const made = 'The console is not built. This makes it: npm run build:web'
  expect(server.output()).toContain(made)
  const page = await fetch(`${server.controlUrl}/ui/`)
  expect([page.status, await page.text()]).toEqual([503, `${made}\n`])
})
