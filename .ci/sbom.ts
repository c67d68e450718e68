import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { z } from 'zod'
import { OLD_FORM, serverPackages } from './dependencies.ts'

const ROOT = path.join(import.meta.dirname, '..')

const document = z.looseObject({
  metadata: z.looseObject({ component: z.looseObject({ 'bom-ref': z.string() }) }),
  components: z.array(
    z.looseObject({
      'bom-ref': z.string(),
      name: z.string(),
      version: z.string(),
      hashes: z.array(z.object({ alg: z.string(), content: z.string() })).default([]),
      licenses: z.array(z.unknown()).default([]),
    }),
  ),
  dependencies: z.array(z.object({ ref: z.string(), dependsOn: z.array(z.string()) })),
})

export type Sbom = z.infer<typeof document>

/**
 * What the server is made of, as npm tells it (CycloneDX), out of the lockfile alone. `npm sbom --omit=dev` of npm 11 leaves out every
 * package that development uses as well, which is half of them: so development is taken away here.
 */
export function sbom(): Sbom {
  const told = execFileSync('npm', ['sbom', '--package-lock-only', '--sbom-format=cyclonedx'], {
    ...{ cwd: ROOT, encoding: 'utf8', maxBuffer: 64 * 1024 ** 2, stdio: ['ignore', 'pipe', 'ignore'] },
  })
  const whole = document.parse(JSON.parse(told))
  const wanted = new Set(serverPackages().map(({ name, version }) => `${name}@${version}`))
  const components = whole.components
    .filter((one) => wanted.has(one['bom-ref']))
    .map((one) => {
      const licence = OLD_FORM[one.name]
      return one.licenses.length > 0 || licence === undefined
        ? one
        : { ...one, licenses: [{ license: { id: licence } }] }
    })
  const isThere = new Set(components.map((one) => one['bom-ref']))
  const missing = [...wanted].filter((name) => !isThere.has(name))
  if (missing.length > 0) throw new Error(`npm does not tell of ${missing.join(', ')}`)
  const component = { ...whole.metadata.component, name: 'coffer' }
  return {
    ...whole,
    metadata: { ...whole.metadata, component },
    components,
    dependencies: whole.dependencies
      .filter(({ ref }) => isThere.has(ref) || ref === component['bom-ref'])
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((name) => isThere.has(name)) })),
  }
}

if (import.meta.main) console.log(JSON.stringify(sbom(), undefined, 2))
