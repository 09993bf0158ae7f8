package postgres

import "syscall"

// endWithParent makes the kernel end the process when Fleet dies, however it dies. SIGQUIT is PostgreSQL's immediate
// shutdown: it ends its children and frees shared memory, and the next start recovers from the log.
func endWithParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGQUIT }
