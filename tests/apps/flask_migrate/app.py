from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

print("the application is imported")

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///app.db"  # below instance/, as Flask-SQLAlchemy has it
db = SQLAlchemy(app)
migrate = Migrate(app, db)


class Customer(db.Model):
    __tablename__ = "customers"

    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(50), nullable=False)
    email = db.Column(db.String(100))
