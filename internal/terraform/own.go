package terraform

import (
	"os"
	"path/filepath"

	"github.com/stagegate/stagegate/internal/change/tree"
)

// controls are what version control keeps in the top of a repository.
var controls = []string{".git", ".hg", ".svn"}

// Own are the files of the change itself: those below the top of its repository or, where
// it is in none, below the root module. A change that nobody has reviewed could call any
// directory of this machine a module, and have its files shown.
func (c *Config) Own() []tree.File {
	top := c.top()
	var own []tree.File
	for _, f := range c.Files {
		if tree.Inside(top, filepath.Join(c.Root, filepath.FromSlash(f.Name))) {
			own = append(own, f)
		}
	}
	return own
}

// top is the nearest directory, from the root module up, that version control has its own
// directory or file in.
func (c *Config) top() string {
	for dir := c.Root; ; dir = filepath.Dir(dir) {
		for _, name := range controls {
			if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
				return dir
			}
		}
		if dir == filepath.Dir(dir) {
			return c.Root
		}
	}
}
