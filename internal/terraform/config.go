// Package terraform runs Terraform, or OpenTofu, for one environment: it finds the program,
// gives it a private copy of a configuration with plugins and local state of its own, and
// plans, applies and reads outputs there. The user's own directory is only ever read.
package terraform

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/change"
	"github.com/stagegate/stagegate/internal/change/tree"
)

// LockFile is the dependency lock file of a root module.
const LockFile = ".terraform.lock.hcl"

// Config is a configuration as read: the root module and the local modules that it calls,
// wherever they lie.
type Config struct {
	// Root is the root module's directory: absolute, and free of symbolic links.
	Root string
	// Files are those of the root module's directory and of each local module, by their
	// path relative to the root module ("main.tf", "../modules/x/main.tf"), in order.
	Files []tree.File
	// Module is what the root module declares.
	Module Module
	// State is a state file found in the root module's directory; empty where there is none.
	State string
	shown string
	kept  bool // read from where Keep has put it
	// locals are those of the root module and of local modules, by directory.
	locals map[string]map[string][]string
}

// Read reads the configuration in a directory, without running anything. Errors name the
// file as the user would.
func Read(directory string) (*Config, error) {
	root, err := filepath.Abs(directory)
	if err == nil {
		root, err = filepath.EvalSymlinks(root)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the Terraform configuration %s: %w", directory, err)
	}
	c := &Config{Root: root, shown: directory}
	if err := c.readModules(); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(c.Files, func(f tree.File) bool { return isRootFile(f.Name) }) {
		return nil, fmt.Errorf("%s: there is no *.tf or *.tf.json file: name the directory of a root module", directory)
	}
	slices.SortFunc(c.Files, func(a, b tree.File) int { return strings.Compare(a.Name, b.Name) })
	c.Files = slices.CompactFunc(c.Files, func(a, b tree.File) bool { return a.Name == b.Name })
	return c, c.Module.validate(directory)
}

// readModules reads the root module's directory, and those of local modules that lie
// outside of what has been read.
func (c *Config) readModules() error {
	dirs := []string{c.Root}
	c.locals = map[string]map[string][]string{}
	for i := 0; i < len(dirs); i++ {
		if i > 0 && !hasSource(dirs[i]) {
			return fmt.Errorf("%s: no local module, since there is no *.tf or *.tf.json file: correct the source of its call", c.show(dirs[i]))
		}
		if !slices.ContainsFunc(dirs[:i], func(read string) bool { return tree.Inside(read, dirs[i]) }) {
			if err := c.readTree(dirs[i]); err != nil {
				return err
			}
		}
		module, err := c.parse(dirs[i])
		if err != nil {
			return err
		}
		if i == 0 {
			c.Module = *module
		}
		c.locals[dirs[i]] = module.Locals
		for _, call := range module.Calls {
			next := filepath.Join(dirs[i], filepath.FromSlash(call.Source))
			if call.Local() && !slices.Contains(dirs, next) {
				dirs = append(dirs, next)
			}
		}
	}
	return nil
}

// readTree adds the files of a directory.
func (c *Config) readTree(dir string) error {
	shown := c.show(dir)
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return fmt.Errorf("%s: a local module that is not there: correct its source", shown)
	}
	if real != dir {
		return fmt.Errorf("%s: a local module behind a symbolic link: name the directory itself as its source", shown)
	}
	l := &lister{config: c, root: dir, shown: shown}
	return filepath.WalkDir(dir, l.visit)
}

// show is a path as the user would write it.
func (c *Config) show(path string) string {
	rel, err := filepath.Rel(c.Root, path)
	if err != nil {
		return path
	}
	return filepath.ToSlash(filepath.Join(c.shown, rel))
}

// Locals are what the locals of a local module read, as Module.Locals has it. The module is
// named by the sources of the calls that lead to it; it is nil for one that is not local.
func (c *Config) Locals(sources ...string) map[string][]string {
	return c.locals[filepath.Join(append([]string{c.Root}, sources...)...)]
}

// Has tells whether the root module's directory has a file of that name.
func (c *Config) Has(name string) bool {
	return slices.ContainsFunc(c.Files, func(f tree.File) bool { return f.Name == name })
}

// Digest covers the name and content of every file.
func (c *Config) Digest() change.Digest {
	h := change.NewHash("terraform")
	for _, f := range c.Files {
		h.Add("file "+f.Name, f.Content)
	}
	h.Sort()
	return h.Sum()
}

// lister reads a directory of a configuration, without what Terraform itself leaves there.
type lister struct {
	config      *Config
	root, shown string
	total       int
}

func (l *lister) visit(path string, e fs.DirEntry, err error) error {
	if err != nil {
		return fmt.Errorf("reading the Terraform configuration: %w", err)
	}
	name, err := filepath.Rel(l.root, path)
	if err != nil {
		return fmt.Errorf("reading the Terraform configuration: %w", err)
	}
	if slices.Contains(append([]string{".terraform", ".terragrunt-cache"}, controls...), e.Name()) {
		if e.IsDir() {
			return fs.SkipDir
		}
		return nil // as .git is in a worktree
	}
	if e.Type()&fs.ModeSymlink != 0 {
		if err := tree.CheckLink(l.root, path, filepath.Join(l.shown, name)); err != nil {
			return err
		}
	}
	if leftover(e.Name()) {
		if l.root == l.config.Root && (name == "terraform.tfstate" || name == "terraform.tfstate.d") {
			l.config.State = name
		}
		if e.IsDir() {
			return fs.SkipDir
		}
		return nil
	}
	if e.IsDir() {
		return nil
	}
	return l.add(path)
}

func (l *lister) add(path string) error {
	content, err := tree.Read(path)
	if err != nil {
		return err
	}
	if l.total += len(content); l.total > tree.MaxTotal {
		return fmt.Errorf("%s: larger than %d MiB: keep what is no configuration elsewhere", l.shown, tree.MaxTotal>>20)
	}
	name, err := filepath.Rel(l.config.Root, path)
	if err != nil {
		return fmt.Errorf("reading the Terraform configuration: %w", err)
	}
	l.config.Files = append(l.config.Files, tree.File{Name: filepath.ToSlash(name), Content: content})
	return nil
}

// leftover tells states, plans and logs, which Terraform leaves beside a configuration.
func leftover(name string) bool {
	for _, pattern := range []string{"*.tfstate", "*.tfstate.*", ".terraform.tfstate.lock.info", "terraform.tfstate.d", "*.tfplan", "crash.log", "crash.*.log"} {
		if ok, _ := path.Match(pattern, name); ok {
			return true
		}
	}
	return false
}

func isRootFile(name string) bool { return !strings.Contains(name, "/") && isSource(name) }

// hasSource tells whether a directory has configuration, or is not there: nothing else of it
// is read before, since anything could be called a module.
func hasSource(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err != nil || slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return isSource(e.Name()) })
}

// isSource tells configuration files from others.
func isSource(name string) bool {
	return strings.HasSuffix(name, ".tf") || strings.HasSuffix(name, ".tf.json") ||
		strings.HasSuffix(name, ".tofu") || strings.HasSuffix(name, ".tofu.json")
}
