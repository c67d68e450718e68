import type { Client } from './client.ts'
import { runText } from './command.ts'
import { installPython, pythonTool } from './install.ts'
import { objectSteps } from './object-steps.ts'
import { pythonVerbs } from './python-verbs.ts'

export const boto3: Client = {
  name: 'boto3',
  install: installPython,
  version: () => runText(pythonTool('python'), ['-c', 'import boto3; print(boto3.__version__)']),
  connect: async (target) => ({ steps: objectSteps('boto3', pythonVerbs('boto3_verbs.py', target), target) }),
}
