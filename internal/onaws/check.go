package onaws

import "github.com/project-gimbal/fleet/internal/catalog"

// Check reports what of a function's configuration is missing or wrong, as the function itself would at its first invocation.
// The tests of the deployment ask it about each environment that they deploy.
func Check(f catalog.Function, lookup func(string) string) error {
	_, err := parse(f, lookup)
	return err
}
