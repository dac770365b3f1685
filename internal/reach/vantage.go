package reach

// ProbeLabel is on every object that live probing puts into a cluster; its value is the
// run. Pods with it stand in for workloads and are never taken for workloads themselves.
const ProbeLabel = "stagegate.dev/probe"
