package terraform

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// place is how Terraform was last run in a private directory. It is kept there, so that a
// later process can tell a person how to do the same.
type place struct {
	Root    string `json:"root"`
	Program string `json:"program"`
}

const placeFile = "place.json"

func (w *Workspace) savePlace() error {
	content, err := json.Marshal(place{w.root, w.Program.Path})
	if err == nil {
		err = os.WriteFile(filepath.Join(w.dir, placeFile), content, 0o600)
	}
	if err != nil {
		return fmt.Errorf("noting where Terraform runs: %w", err)
	}
	return nil
}

// Instruction is what a person types to run a command on this very state: in the private
// copy, and with its data directory, since no other has the backend.
func (w *Workspace) Instruction(args ...string) string {
	at := place{w.root, w.Program.Path}
	if at.Root == "" { // nothing is open yet
		content, err := os.ReadFile(filepath.Join(w.dir, placeFile))
		if err != nil || json.Unmarshal(content, &at) != nil {
			at = place{filepath.Join(w.dir, "configuration"), w.options.Binary}
		}
	}
	words := []string{"cd", quote(at.Root), "&&", "TF_DATA_DIR=" + quote(filepath.Join(w.dir, "data")), quote(at.Program)}
	for _, a := range args {
		words = append(words, quote(a))
	}
	return strings.Join(words, " ")
}

// plain is a word that no shell reads as anything else.
var plain = regexp.MustCompile(`^[\w./:@%+=,-]+$`)

func quote(word string) string {
	if plain.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
