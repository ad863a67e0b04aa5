// package: sequelize
const { DataTypes, Op, Sequelize } = require("sequelize");
try {
  const sequelize = new Sequelize({ dialect: "sqlite", storage: ":memory:", logging: false });
  const User = sequelize.define("User", { name: { type: DataTypes.STRING, allowNull: false }, age: DataTypes.INTEGER });
  console.log(User.getTableName(), Object.keys(User.getAttributes()), String(Op.gt));
} catch (error) {
  console.log(error.message);
}
