//go:build e2e

package e2e

import "syscall"

// endWithParent makes the kernel end the emulator when the test's process dies, however it dies. The functions' processes end
// when they find their runtime gone.
func endWithParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }
