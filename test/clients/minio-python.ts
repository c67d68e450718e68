import type { Client, ObjectVerbs, Target } from './client.ts'
import { runText } from './command.ts'
import { installPython, pythonTool } from './install.ts'
import { objectSteps, oddKeyNotes } from './object-steps.ts'
import { pythonVerbs } from './python-verbs.ts'

export const minioPython: Client = {
  name: 'minio (Python)',
  install: installPython,
  version: () => runText(pythonTool('python'), ['-c', 'import minio; print(minio.__version__)']),
  connect: async (target) => {
    const verbs = verbsFor(target)
    return { steps: objectSteps('minio-python', verbs, target), notes: oddKeyNotes(verbs) }
  },
}

const verbsFor = (target: Target): ObjectVerbs => ({
  ...pythonVerbs('minio_verbs.py', target),
  unnameable: (key) => (key.includes('..') ? 'refuses names with a segment of dots' : undefined),
})
