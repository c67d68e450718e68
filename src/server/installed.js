import { readFileSync } from 'node:fs'
import { registerHooks, stripTypeScriptTypes } from 'node:module'
import { fileURLToPath } from 'node:url'

const OWN = new URL('../', import.meta.url).href

/** Node strips the types of no source below `node_modules`, which is where a package is that was installed: here they are. */
export function stripTypesWhereInstalled() {
  if (!OWN.includes('/node_modules/')) return
  registerHooks({
    load: (url, context, next) =>
      url.startsWith(OWN) && url.endsWith('.ts')
        ? { format: 'module', source: stripped(readFileSync(fileURLToPath(url), 'utf8')), shortCircuit: true }
        : next(url, context),
  })
}

/** @param {string} source */
function stripped(source) {
  const { emitWarning } = process
  // What is experimental of it is its name: Node itself does the same with every source that is not installed.
  process.emitWarning = () => {}
  try {
    return stripTypeScriptTypes(source)
  } finally {
    process.emitWarning = emitWarning
  }
}
