package terraform

import (
	"cmp"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-exec/tfexec"
)

// pluginCache is the variable that names a directory of plugins for all configurations.
const pluginCache = "TF_PLUGIN_CACHE_DIR"

// noCluster is a kubeconfig that names no cluster.
const noCluster = "no-cluster.kubeconfig"

// environment is what Terraform inherits: all that providers may need, such as cloud
// credentials, but nothing that would change what is planned or which cluster is meant.
func (w *Workspace) environment() map[string]string {
	env := map[string]string{}
	for _, v := range os.Environ() {
		name, value, _ := strings.Cut(v, "=")
		if !strings.HasPrefix(name, "KUBE_") && name != "KUBECONFIG" {
			env[name] = value
		}
	}
	env = tfexec.CleanEnv(env)
	env["TF_DATA_DIR"] = filepath.Join(w.dir, "data")
	env["CHECKPOINT_DISABLE"] = "1"
	if env[pluginCache] == "" {
		env[pluginCache] = filepath.Join(w.options.Cache, "plugins")
	}
	// Never the user's own kubeconfig: where there is no cluster yet, one that names none. A
	// path that is not there would be an error to some providers.
	for _, name := range []string{"KUBECONFIG", "KUBE_CONFIG_PATH", "KUBE_CONFIG"} {
		env[name] = cmp.Or(w.options.Kubeconfig, filepath.Join(w.dir, noCluster))
	}
	return env
}

// environ is the same for commands that tfexec does not run.
func (w *Workspace) environ() []string {
	env := w.environment()
	env["TF_IN_AUTOMATION"], env["TF_INPUT"] = "1", "0"
	var list []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list = append(list, name+"="+env[name])
	}
	return list
}
