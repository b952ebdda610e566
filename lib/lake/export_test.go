package lake

// StoreRows writes rows as one raw object a day, as a group commit does.
var StoreRows = storeGroup
