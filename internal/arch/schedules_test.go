package arch

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/project-gimbal/fleet/internal/catalog"
)

// checkSchedules wants the README to count the functions on schedules, and to tell of each once.
func checkSchedules(root string) (broken []string) {
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		return []string{err.Error()}
	}
	_, rest, _ := strings.Cut(string(text), "Beside the workflows run ")
	told, _, _ := strings.Cut(rest, "\n\n")
	n := 0
	for _, f := range catalog.Functions() {
		if f.Trigger != catalog.Schedule {
			continue
		}
		if n++; strings.Count(told, "`"+f.Name+"`") != 1 {
			broken = append(broken, "README.md: of the functions on schedules it doesn't tell once of "+f.Name)
		}
	}
	words := []string{10: "ten", 11: "eleven", 12: "twelve", 13: "thirteen", 14: "fourteen", 15: "fifteen"}
	if count, _, _ := strings.Cut(told, " "); n >= len(words) || count != words[n] {
		broken = append(broken, fmt.Sprintf("README.md: it counts %q functions on schedules, and there are %d", count, n))
	}
	return broken
}
