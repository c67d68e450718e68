import { render } from 'preact'
import { findSession } from './client/sign-in.ts'
import { startRouter } from './router.ts'
import { App } from './shell/app.tsx'
import './styles/index.css'

startRouter()
const root = document.querySelector('#root')
if (root) render(<App />, root)
findSession().catch(() => {
  if (root) render(<App isUnreachable />, root)
})
